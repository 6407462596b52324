//! Operators on a walk: any verb at any time, with what vendors and our own books would show.

use crate::Walk;
use crate::answers::answer;
use crate::told::Told;
use chrono::TimeDelta;
use iso_currency::Currency;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Desk, Effect};
use sagas::kernel::flow::{Open, StepEvent};
use sagas::kernel::machine::{self, What};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome};
use sagas::kernel::record::Record;
use sagas::kernel::saga::Mark;
use sagas::kernel::verb::{Asked, Evidence, OpenMoney, Order, Standing, Supplied, Verb};

impl<S: Told> Walk<S> {
    /// Somebody orders something; half of it makes no sense.
    pub(crate) fn verb(&mut self) {
        let verb = self.some_verb();
        let needs = machine::needs(&self.saga, &verb, self.now);
        let look = needs.call.map(|asked| match asked {
            Asked::Look(open) => self.look(&open.effect),
            Asked::Reference(open, _) => self.shown(&open),
        });
        let evidence = Evidence { look, standing: needs.standing.then(|| self.standing()) };
        let order = Order {
            verb,
            principal: "law".to_owned(),
            reason: "walk".to_owned(),
            approver: None,
            bulk: self.dice.rarely(),
        };
        self.order(What::Verb { item: None, kind: "operator".to_owned(), order, evidence });
    }

    fn some_verb(&mut self) -> Verb {
        let wanted = machine::wanted(&self.saga, self.now);
        let step = wanted.as_ref().map_or_else(|| "none".to_owned(), |open| open.step.clone());
        match self.dice.roll(12) {
            0 => Verb::Pause,
            1 => Verb::Retry,
            2 => Verb::Compensate,
            3 => Verb::Abandon,
            4 | 5 => Verb::DeclareNotDone,
            6 | 7 => Verb::DeclareDone { reference: self.reference(wanted.as_ref()) },
            8 => Verb::Skip { step, result: Supplied::Reference { reference: self.reference(wanted.as_ref()) } },
            9 => {
                let answer = wanted.map_or(Answer::Nothing, |open| answer(&open.effect, &mut self.dice, self.now));
                Verb::Skip { step, result: Supplied::Answer { answer: Box::new(answer) } }
            }
            10 => {
                let days = i64::try_from(self.dice.roll(40)).expect("small");
                Verb::MoveDue { to: self.now + TimeDelta::days(days) - TimeDelta::days(2) }
            }
            _ => Verb::Resume,
        }
    }

    /// Mostly the id that the vendor would show.
    fn reference(&mut self, open: Option<&Open>) -> String {
        let Some(open) = open.filter(|_| self.dice.roll(4) > 0) else { return "made-up".to_owned() };
        let answer = answer(&open.effect, &mut self.dice, self.now);
        answer.vendor_id().or_else(|| open.effect.reference()).unwrap_or("none").to_owned()
    }

    fn shown(&mut self, open: &Open) -> Look {
        if self.dice.roll(4) == 0 {
            return self.look(&open.effect);
        }
        let answer = answer(&open.effect, &mut self.dice, self.now);
        Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() }
    }

    fn standing(&self) -> Standing {
        let open = |account: u16| {
            let minor = self.sums.account(account);
            let amount = Money::new(minor.abs(), Currency::EUR);
            (minor != 0).then_some(OpenMoney { account, transaction: None, amount })
        };
        Standing {
            claims: self.claims.iter().cloned().collect(),
            open_money: [1130, 2100, 9100].into_iter().filter_map(open).collect(),
        }
    }

    /// Who holds what, from what was answered and what rides in the appends.
    pub(crate) fn hold(&mut self, event: &Record<S::Event>) {
        match event {
            Record::Step(StepEvent::Answered { outcome: Outcome::Done { .. }, .. }) => {
                if let Some(Effect::Desk(Desk::Claim { claims } | Desk::ClaimUnfenced { claims, .. })) =
                    self.saga.flow.open.as_ref().map(|o| &o.effect)
                {
                    self.claims.extend(claims.iter().cloned());
                }
            }
            Record::Step(StepEvent::Abandoned { released }) => released.iter().for_each(|c| {
                self.claims.remove(c);
            }),
            Record::Step(_) => {}
            Record::Business(event) => {
                let mut after = self.saga.business.clone();
                S::evolve(&mut after, event);
                for mark in S::facts(&after, event).marks {
                    if let Mark::Release(claim) = mark {
                        self.claims.remove(&claim);
                    }
                }
            }
        }
    }
}
