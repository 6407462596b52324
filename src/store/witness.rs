//! What checkpoints testify: where each shard's chain stood, under which hash, signed by whom; and what a restore
//! declared lost. Reads no database: a chain is held against it.

use super::checkpoints::{Body, DeclaredBreak, Signed};
use super::signature::PublicKey;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The testimony of a row of checkpoints.
#[derive(Debug, Default)]
pub struct Witness {
    trusted: Vec<PublicKey>,
    /// By shard and position: the hash, and the checkpoint that says so.
    seen: HashMap<u16, BTreeMap<u64, (String, u64)>>,
    last: Option<(u64, String)>,
    hashes: HashSet<String>,
    installation: Option<String>,
    /// How many were read.
    pub checkpoints: u64,
    /// Number of the last one that a sink took.
    pub published: Option<u64>,
    published_heads: HashMap<u16, u64>,
    /// Ids of the keys that signed them.
    pub keys: BTreeSet<String>,
    /// What restores declared lost.
    pub declared: Vec<DeclaredBreak>,
}

impl Witness {
    /// Believes only these keys; with none every key that fits its signatures.
    pub fn trusting(trusted: &[PublicKey]) -> Self {
        Self { trusted: trusted.to_vec(), ..Self::default() }
    }

    /// Hears the next one, in the order of their numbers. `whole`: none was left out since the last one.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn hear(&mut self, signed: &Signed, published: bool, whole: bool) -> Result<(), String> {
        if self.hashes.contains(&signed.hash) {
            // A line that a sink took twice.
            return Ok(());
        }
        let shown = serde_json::from_str::<Body>(&signed.body).map_or(0, |body| body.number);
        let (body, key) = signed.open().map_err(|why| format!("checkpoint {shown}: {why}"))?;
        let number = body.number;
        if !self.trusted.is_empty() && !self.trusted.contains(&key) {
            return Err(format!("checkpoint {number} is signed by key {}, which is none of those given", key.id()));
        }
        self.continues(&body, whole).map_err(|why| format!("checkpoint {number}: {why}"))?;
        for lost in &body.breaks {
            self.forget(lost);
        }
        for head in body.heads.iter().filter(|head| head.pos > 0) {
            self.seen.entry(head.shard).or_default().insert(head.pos, (head.hash.clone(), number));
        }
        if published {
            self.published = Some(number);
            self.published_heads = body.heads.iter().map(|head| (head.shard, head.pos)).collect();
        }
        self.declared.extend(body.breaks);
        self.keys.insert(body.key);
        self.checkpoints += 1;
        self.hashes.insert(signed.hash.clone());
        self.last = Some((number, signed.hash.clone()));
        Ok(())
    }

    /// It belongs behind the ones before it.
    fn continues(&mut self, body: &Body, whole: bool) -> Result<(), String> {
        let installation = self.installation.get_or_insert_with(|| body.installation.clone());
        if *installation != body.installation {
            return Err(format!("it is of installation {}, expected {installation}", body.installation));
        }
        let Some((number, hash)) = &self.last else { return Ok(()) };
        if body.number <= *number {
            return Err(format!("its number is not above {number}, that of the one before it"));
        }
        let gap = body.number > number + 1;
        // What declares a break continues the restored log: in a sink the lost checkpoints stand between.
        let follows = whole || (!gap && body.breaks.is_empty());
        if follows && body.previous.as_ref() != Some(hash) {
            let found = body.previous.as_deref().unwrap_or("none");
            return Err(format!("its `previous` is {found}, expected {hash}, the hash of checkpoint {number}"));
        }
        if gap && whole && body.breaks.is_empty() {
            return Err(format!("checkpoints {} to {} are missing before it", number + 1, body.number - 1));
        }
        match &body.published {
            Some(link) if !whole && !self.hashes.contains(link) => {
                Err(format!("it follows the published checkpoint {link}, which is missing before it"))
            }
            _ => Ok(()),
        }
    }

    /// What was declared lost is not held against the chain; that it ended where the declaration says is.
    fn forget(&mut self, lost: &DeclaredBreak) {
        let seen = self.seen.entry(lost.shard).or_default();
        seen.split_off(&(lost.restored + 1));
        if lost.restored > 0 {
            seen.insert(lost.restored, (lost.restored_hash.clone(), lost.checkpoint));
        }
    }

    /// How the hash at a position differs from what was signed.
    pub fn contradicts(&self, shard: u16, pos: u64, hash: &str) -> Option<String> {
        let (expected, number) = self.seen.get(&shard)?.get(&pos)?;
        (expected != hash).then(|| format!("its hash is {hash}, and checkpoint {number} signed {expected}"))
    }

    /// A signed position beyond the end of a chain.
    pub fn beyond(&self, shard: u16, end: u64) -> Option<(u64, String)> {
        let (pos, (_, number)) = self.seen.get(&shard)?.last_key_value().filter(|(pos, _)| **pos > end)?;
        Some((
            *pos,
            format!("checkpoint {number} signed it, and the chain ends at position {end}: events were cut off"),
        ))
    }

    /// How many events of a shard came after the last published checkpoint.
    pub fn unpublished(&self, shard: u16, end: u64) -> u64 {
        end.saturating_sub(self.published_heads.get(&shard).copied().unwrap_or(0))
    }
}
