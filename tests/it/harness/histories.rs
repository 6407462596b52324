//! Recorded histories of rehearsals, as the engine wrote them: every later release must read them. Written once, by this
//! test with `WRITE_HISTORIES` set, and never again; the laws of `sagas` replay all of them for ever.

use super::rehearsal::{Fixture, KIND};
use super::world::{World, line, offer};
use crate::rehearsals;
use sagas::kernel::effect::PracticeScript;
use sagas::rehearsal::{Params, Scripts};
use std::path::PathBuf;

fn scenarios() -> [(&'static str, Params); 6] {
    let with = |name: &str, scripts| Params { scripts, ..rehearsals::params(name) };
    let declined = Scripts { take: PracticeScript::Declines, ..Scripts::default() };
    [
        ("straight", rehearsals::params("straight")),
        ("declined_and_undone", with("declined_and_undone", declined.clone())),
        ("declined_in_the_vendors_words", with("declined_in_the_vendors_words", declined.clone())),
        ("found_again", with("found_again", Scripts { take: PracticeScript::DoneUnanswered, ..Scripts::default() })),
        ("undo_refused", with("undo_refused", Scripts { unreserve: PracticeScript::Refuses, ..declined })),
        ("parked_on_purpose", Params { park: true, ..rehearsals::params("parked_on_purpose") }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_a_rehearsal_has_its_recorded_history() {
    let fixture = Fixture::new().await;
    let mut world = World::new(&fixture).await;
    let mut sagas = Vec::new();
    for (name, params) in scenarios() {
        let item = rehearsals::start(params);
        offer(world.pool(), &item).await;
        sagas.push((name, item.saga));
    }
    world.rest().await;
    world.finish(&sagas.iter().map(|(_, saga)| *saga).collect::<Vec<_>>()).await;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/histories").join(KIND);
    for (name, saga) in sagas {
        let state = line(world.pool(), saga).await.state;
        let file = folder.join(format!("{name}__{state}.jsonl"));
        if std::env::var_os("WRITE_HISTORIES").is_some() && !file.exists() {
            std::fs::create_dir_all(&folder).unwrap();
            // As they are stored, in whatever form.
            let texts = "select payload from event where saga = $1 order by seq";
            let texts: Vec<String> = sqlx::query_scalar(texts).bind(saga.0).fetch_all(world.pool()).await.unwrap();
            std::fs::write(&file, texts.join("\n") + "\n").unwrap();
        }
        assert!(file.exists(), "{} is missing: write it with WRITE_HISTORIES=1", file.display());
    }
    world.end().await;
}
