//! The fence itself: of a charge that begins and a cancellation that fences, one always sees the other.

use crate::store_support::{Bench, saga};
use attio_billing::store::claims::{self, Reserved};
use sagas::kernel::effect::{Claim, ClaimKind};

fn fence(key: &str) -> Claim {
    Claim { kind: ClaimKind::ZohoSubscription, key: key.to_owned() }
}

fn invoice(key: &str) -> Claim {
    Claim { kind: ClaimKind::ZohoInvoice, key: key.to_owned() }
}

#[tokio::test]
async fn p2_an_invoice_is_not_claimed_behind_a_fence_and_leaves_none_itself() {
    let bench = Bench::new().await;
    let pool = &bench.pool;
    let claim = async |of| claims::reserve_unfenced(pool, saga(of), "claim", &[invoice("i")], &[fence("s")]).await;
    assert_eq!(claim(1).await.unwrap(), Reserved::Held);
    assert_eq!(claims::holder(pool, &fence("s")).await.unwrap(), None, "the fence is looked at, not held");
    assert_eq!(claims::holder(pool, &invoice("i")).await.unwrap(), Some(saga(1)));
    assert_eq!(claims::reserve(pool, saga(2), "claim", &[fence("s")]).await.unwrap(), Reserved::Held);
    let behind = claims::reserve_unfenced(pool, saga(3), "claim", &[invoice("j")], &[fence("s")]).await.unwrap();
    assert_eq!(behind, Reserved::Taken(vec![(fence("s"), saga(2))]));
    assert_eq!(claims::holder(pool, &invoice("j")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p2_of_a_charge_and_a_fence_at_one_moment_one_sees_the_other() {
    let bench = Bench::new().await;
    let races = (0..80_usize).map(|n| {
        let pool = bench.pool.clone();
        tokio::spawn(async move {
            let key = n.to_string();
            let (theirs, ours) = ([invoice(&key)], [fence(&key)]);
            let charges = claims::reserve_unfenced(&pool, saga(1), "claim", &theirs, &ours);
            let ends = async {
                let fenced = claims::reserve(&pool, saga(2), "claim", &ours).await.unwrap();
                (fenced, claims::holder(&pool, &invoice(&key)).await.unwrap())
            };
            let (charged, (fenced, seen)) = tokio::join!(charges, ends);
            assert_eq!(fenced, Reserved::Held, "who only passes keeps nobody out");
            let charges = charged.unwrap() == Reserved::Held;
            assert_eq!(seen.is_some(), charges, "race {key}: a charge begins that the cancellation does not see");
        })
    });
    for race in futures::future::join_all(races).await {
        race.unwrap();
    }
}
