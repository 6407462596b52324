//! Writes that share a commit: those that come while the last one is under way are written in one transaction, and each
//! caller hears what became of his. Knows nothing of what is written.

use super::error::{StoreError, retrying};
use async_trait::async_trait;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

/// So many share a commit at most.
const MOST: usize = 256;
/// And so many bytes of what they carry; one that alone is larger is written alone.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What can be written together.
#[async_trait]
pub trait Batch: Send + Sync + 'static {
    /// One of them.
    type New: Send + Sync;
    /// What became of it.
    type Written: Send;

    /// About how large one is, in bytes: what it carries, without its frame.
    fn bytes(new: &Self::New) -> usize;

    /// Writes all of them in one transaction, or none; answers in their order.
    ///
    /// # Errors
    /// The database cannot be reached, or refuses one of them.
    async fn write(&self, pool: &PgPool, new: &[Self::New]) -> Result<Vec<Self::Written>, StoreError>;
}

struct Request<B: Batch> {
    new: B::New,
    answer: oneshot::Sender<Result<B::Written, StoreError>>,
}

/// The way to the writer. Clones lead to the same one; it ends when the last is dropped.
pub struct Together<B: Batch> {
    sender: mpsc::Sender<Request<B>>,
}

impl<B: Batch> Clone for Together<B> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<B: Batch> std::fmt::Debug for Together<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

impl<B: Batch> Together<B> {
    /// Starts the writer.
    pub(super) fn start(pool: PgPool, kind: B) -> Self {
        let (sender, mut receiver) = mpsc::channel(MOST * 2);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while receiver.recv_many(&mut batch, MOST).await > 0 {
                for part in parts(std::mem::take(&mut batch)) {
                    write(&kind, &pool, part).await;
                }
            }
        });
        Self { sender }
    }

    /// Writes one; durable when it returns. A caller that goes away does not stop it.
    ///
    /// # Errors
    /// The database cannot be reached, or refuses it.
    pub async fn write(&self, new: B::New) -> Result<B::Written, StoreError> {
        let gone = || StoreError::Unavailable("the writer has ended".to_owned());
        let (answer, answered) = oneshot::channel();
        self.sender.send(Request { new, answer }).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Parts that each stay below [`MOST_BYTES`], in the order in which they came.
fn parts<B: Batch>(batch: Vec<Request<B>>) -> Vec<Vec<Request<B>>> {
    let (mut parts, mut bytes) = (Vec::<Vec<_>>::new(), 0);
    for request in batch {
        let size = B::bytes(&request.new);
        if let Some(part) = parts.last_mut().filter(|_| bytes + size <= MOST_BYTES) {
            bytes += size;
            part.push(request);
        } else {
            bytes = size;
            parts.push(vec![request]);
        }
    }
    parts
}

/// Where a batch is refused, each is tried alone: one that the database does not take keeps none of the others out.
async fn write<B: Batch>(kind: &B, pool: &PgPool, batch: Vec<Request<B>>) {
    let (new, answers): (Vec<B::New>, Vec<_>) = batch.into_iter().map(|r| (r.new, r.answer)).unzip();
    match retrying(|| kind.write(pool, &new)).await {
        Ok(written) => {
            for (answer, written) in answers.into_iter().zip(written) {
                // The one who asked may be gone.
                let _ = answer.send(Ok(written));
            }
        }
        Err(StoreError::Refused(_)) if new.len() > 1 => {
            for (new, answer) in new.iter().zip(answers) {
                let alone = retrying(|| kind.write(pool, std::slice::from_ref(new))).await;
                let _ = answer.send(alone.and_then(|mut written| written.pop().ok_or_else(unanswered)));
            }
        }
        Err(error) => {
            for answer in answers {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }
}

fn unanswered() -> StoreError {
    StoreError::Unreadable("a write without an answer".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sizes;

    #[async_trait]
    impl Batch for Sizes {
        type New = usize;
        type Written = usize;

        fn bytes(new: &usize) -> usize {
            *new
        }

        async fn write(&self, _: &PgPool, new: &[usize]) -> Result<Vec<usize>, StoreError> {
            Ok(new.to_vec())
        }
    }

    fn cut(sizes: &[usize]) -> Vec<Vec<usize>> {
        let batch = sizes.iter().map(|size| Request::<Sizes> { new: *size, answer: oneshot::channel().0 }).collect();
        parts(batch).into_iter().map(|part| part.into_iter().map(|request| request.new).collect()).collect()
    }

    #[test]
    fn a_commit_carries_no_more_bytes_than_it_may_and_keeps_the_order() {
        let half = MOST_BYTES / 2;
        assert_eq!(cut(&[1, 2, 3]), [vec![1, 2, 3]]);
        assert_eq!(cut(&[half, half, 1]), [vec![half, half], vec![1]]);
        assert_eq!(cut(&[1, MOST_BYTES + 1, 2, 3]), [vec![1], vec![MOST_BYTES + 1], vec![2, 3]]);
        assert_eq!(cut(&[]), Vec::<Vec<usize>>::new());
    }
}
