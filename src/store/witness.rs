//! What checkpoints testify: where each shard's chain stood, under which hash, signed by whom; which key gave way to which,
//! and what a restore declared lost. Reads no database: a chain is held against it.

use super::checkpoints::{Body, DeclaredBreak, Signed};
use super::signature::PublicKey;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A key that gave way to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Succession {
    /// The checkpoint that says so.
    pub checkpoint: u64,
    /// Id of the key that signed before; none: it was lost.
    pub from: Option<String>,
    /// Id of the key that signs since.
    pub to: String,
    /// Who ordered it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The testimony of a row of checkpoints.
#[derive(Debug, Default)]
pub struct Witness {
    trusted: Vec<PublicKey>,
    /// The key that must sign the next one.
    expected: Option<PublicKey>,
    /// Keys that gave way: they sign nothing any more.
    retired: HashSet<PublicKey>,
    /// A trusted key has signed.
    reached: bool,
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
    /// Which key gave way to which.
    pub successions: Vec<Succession>,
    /// What restores declared lost.
    pub declared: Vec<DeclaredBreak>,
}

impl Witness {
    /// Believes only these keys, and those that they introduce; with none the key of the first checkpoint. What was signed
    /// before a believed key came is believed for its sake: its signature covers where every chain stood.
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
        let wrong = |why| format!("checkpoint {number}: {why}");
        for change in &body.lost_changes {
            self.learn_lost(change).map_err(wrong)?;
        }
        self.continues(&body, whole).map_err(wrong)?;
        self.signs(&body, key).map_err(wrong)?;
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

    /// A change of the key that a restore lost, told again by the checkpoint that declares the loss.
    fn learn_lost(&mut self, change: &Signed) -> Result<(), String> {
        if self.hashes.contains(&change.hash) {
            return Ok(());
        }
        let (body, key) = change.open().map_err(|why| format!("a change of the key that it tells again: {why}"))?;
        self.signs(&body, key)
    }

    /// The key may sign, and gives way to whom it names.
    fn signs(&mut self, body: &Body, key: PublicKey) -> Result<(), String> {
        let told = self.trusted.contains(&key);
        match self.expected {
            _ if self.retired.contains(&key) => {
                return Err(format!("it is signed by key {}, which had given way to another one before", key.id()));
            }
            Some(expected) if expected != key && !told => {
                return Err(format!(
                    "it is signed by key {}, expected {}: nobody who was believed introduced it. Where the key before it was \
                     lost, name both to `--key`",
                    key.id(),
                    expected.id()
                ));
            }
            // Whoever verifies knows it from elsewhere.
            Some(expected) if expected != key => {
                self.retired.insert(expected);
            }
            None | Some(_) => {}
        }
        let mut next = key;
        if let Some(change) = &body.next_key {
            next = change.key.parse().map_err(|e| format!("the next key that it names: {e}"))?;
            if self.retired.contains(&next) {
                return Err(format!("it names key {} as the next one, which had given way before", next.id()));
            }
            let from = (next != key).then(|| key.id());
            if from.is_some() {
                self.retired.insert(key);
            }
            let (by, reason) = (change.by.clone(), change.reason.clone());
            self.successions.push(Succession { checkpoint: body.number, from, to: next.id(), by, reason });
        }
        self.reached |= told || self.trusted.contains(&next);
        self.expected = Some(next);
        Ok(())
    }

    /// What is wrong once all were heard: nobody who is believed has signed one.
    pub fn unbelieved(&self) -> Option<String> {
        if self.trusted.is_empty() || self.reached {
            return None;
        }
        let signed = if self.keys.is_empty() {
            "there is no checkpoint, and keys were given that should have signed one".to_owned()
        } else {
            let keys = self.keys.iter().cloned().collect::<Vec<_>>().join(", ");
            format!("the checkpoints are signed by key {keys}, which is none of those given")
        };
        Some(signed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoints::{FORM, KeyChange};
    use crate::store::signature::Signer;
    use chrono::DateTime;

    fn key(seed: u8) -> Signer {
        Signer::from_seed(&[seed; 32])
    }

    /// A row of checkpoints without heads.
    #[derive(Default)]
    struct Row(Vec<Signed>);

    impl Row {
        fn body(&self, signer: &Signer) -> Body {
            let number = self.0.len() as u64 + 1;
            let before = self.0.last().map(|last| last.hash.clone());
            Body {
                form: FORM.to_owned(),
                installation: "test1".to_owned(),
                number,
                made_at: DateTime::UNIX_EPOCH,
                key: signer.public().id(),
                previous: before.clone(),
                published: before,
                heads: Vec::new(),
                breaks: Vec::new(),
                next_key: None,
                lost_changes: Vec::new(),
            }
        }

        fn signed(mut self, signer: u8) -> Self {
            let signer = key(signer);
            self.0.push(Signed::new(&self.body(&signer), &signer, None));
            self
        }

        fn change(&self, signer: &Signer, next: &Signer) -> Body {
            let change =
                KeyChange { key: next.public().to_string(), by: "ada".to_owned(), reason: "yearly".to_owned() };
            Body { next_key: Some(change), ..self.body(signer) }
        }

        fn rotated(mut self, from: u8, to: u8) -> Self {
            let (from, to) = (key(from), key(to));
            self.0.push(Signed::new(&self.change(&from, &to), &from, Some(&to)));
            self
        }

        fn replaced(mut self, to: u8) -> Self {
            let to = key(to);
            self.0.push(Signed::new(&self.change(&to, &to), &to, None));
            self
        }

        /// What is wrong with it to whoever trusts these keys.
        fn wrong(&self, trusted: &[u8]) -> Option<String> {
            let trusted: Vec<PublicKey> = trusted.iter().map(|seed| key(*seed).public()).collect();
            let mut witness = Witness::trusting(&trusted);
            let heard = self.0.iter().find_map(|signed| witness.hear(signed, true, true).err());
            heard.or_else(|| witness.unbelieved())
        }
    }

    #[test]
    fn whoever_trusts_the_first_key_learns_the_next_ones_from_the_chain_itself() {
        let row = Row::default().signed(1).rotated(1, 2).signed(2).rotated(2, 3).signed(3);
        assert_eq!(row.wrong(&[1]), None);
        assert_eq!(row.wrong(&[]), None, "the first key is believed where none is given");
        assert_eq!(row.wrong(&[3]), None, "what the last key signed covers all before it");
        let foreign = row.wrong(&[9]).expect("a break");
        assert!(foreign.contains("which is none of those given"), "{foreign}");
        let mut witness = Witness::trusting(&[key(1).public()]);
        row.0.iter().for_each(|signed| witness.hear(signed, true, true).expect("it is whole"));
        let from: Vec<_> = witness.successions.iter().map(|change| (change.checkpoint, change.from.clone())).collect();
        assert_eq!(from, [(2, Some(key(1).public().id())), (4, Some(key(2).public().id()))]);
    }

    #[test]
    fn a_key_that_nobody_introduced_is_a_break_at_the_first_checkpoint_that_it_signs() {
        let row = Row::default().signed(1).signed(2);
        let wrong = row.wrong(&[1]).expect("a break");
        assert!(wrong.starts_with("checkpoint 2: it is signed by key ") && wrong.contains("introduced it"), "{wrong}");
        assert!(row.wrong(&[]).is_some());
    }

    #[test]
    fn a_key_that_gave_way_is_refused_even_by_whoever_trusts_it() {
        let row = Row::default().signed(1).rotated(1, 2).signed(1);
        for trusted in [&[1][..], &[], &[1, 2]] {
            let wrong = row.wrong(trusted).expect("a break");
            assert!(wrong.starts_with("checkpoint 3") && wrong.contains("had given way"), "{wrong}");
        }
        let back = Row::default().signed(1).rotated(1, 2).rotated(2, 1).wrong(&[1]).expect("a break");
        assert!(back.contains("had given way before"), "{back}");
    }

    #[test]
    fn an_introduction_is_forged_without_either_signature() {
        // By somebody who has neither key.
        let foreign = Row::default().signed(1).rotated(7, 8).signed(8).wrong(&[1]).expect("a break");
        assert!(foreign.starts_with("checkpoint 2: it is signed by key "), "{foreign}");
        // In the name of the old key, by whoever has only the new one.
        let mut row = Row::default().signed(1);
        let mut forged = Signed::new(&row.change(&key(1), &key(8)), &key(8), Some(&key(8)));
        forged.public_key = key(1).public().to_string();
        row.0.push(forged);
        assert!(row.wrong(&[1]).expect("a break").contains("its signature is not one of key"));
        // By the old key, for a key whose holder did not want it, or whose signature was taken away.
        let row = Row::default().signed(1).rotated(1, 2);
        for second in [None, Some("00".repeat(64)), Some(hex::encode(key(1).sign(row.0[1].body.as_bytes())))] {
            let forged = Row(vec![row.0[0].clone(), Signed { next_signature: second, ..row.0[1].clone() }]);
            let wrong = forged.wrong(&[1]).expect("a break");
            assert!(wrong.contains("without a signature of that key"), "{wrong}");
        }
        let stray = Signed { next_signature: Some("00".repeat(64)), ..row.0[0].clone() };
        assert!(Row(vec![stray]).wrong(&[1]).expect("a break").contains("names no next key"));
    }

    #[test]
    fn a_key_in_the_place_of_a_lost_one_is_believed_by_whoever_was_told_of_it() {
        let row = Row::default().signed(1).replaced(2).signed(2);
        assert!(row.wrong(&[1]).expect("a break").contains("name both to `--key`"));
        assert_eq!(row.wrong(&[1, 2]), None);
        let after = Row::default().signed(1).replaced(2).signed(1);
        assert!(after.wrong(&[1, 2]).expect("a break").contains("had given way"), "the lost one signs no more");
    }

    #[test]
    fn a_change_that_a_restore_lost_is_told_again_by_the_checkpoint_that_declares_it() {
        let lost = Row::default().signed(1).rotated(1, 2);
        let mut restored = Row(vec![lost.0[0].clone()]);
        let body = Body { lost_changes: vec![lost.0[1].clone()], ..restored.body(&key(2)) };
        restored.0.push(Signed::new(&body, &key(2), None));
        assert_eq!(restored.wrong(&[1]), None);
        let mut forged = Row(vec![lost.0[0].clone()]);
        let change = Row::default().signed(1).rotated(7, 2).0.remove(1);
        let body = Body { lost_changes: vec![change], ..forged.body(&key(2)) };
        forged.0.push(Signed::new(&body, &key(2), None));
        assert!(forged.wrong(&[1]).is_some());
    }
}
