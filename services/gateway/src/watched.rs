//! What a cell told of changes, and for how long what was asked of it is believed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proto::routing::v1::change::Subject;

use crate::tokens::Opened;

/// How long an answer is believed without anybody confirming it: another process's revocation goes unnoticed no longer.
pub(crate) const UNCONFIRMED: Duration = Duration::from_millis(750);
/// How long a cell's silence counts as "nothing was changed".
const SILENCE: Duration = Duration::from_millis(750);
/// How long an answer is believed at all. Last uses of tokens are noted when they are asked for.
const LIFETIME: Duration = Duration::from_mins(1);
/// Changes that are remembered one by one.
const REMEMBERED: usize = 1_024;

/// The changes that a cell told, numbered.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    heard_at: Option<Instant>,
    /// The number of the next change.
    next: u64,
    /// Changes before this number are forgotten, or were never told.
    known_from: u64,
    /// Changes from `known_from` on.
    changes: VecDeque<Subject>,
}

impl Watched {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next change: an answer that is asked for now knows of all before it.
    pub(crate) fn position(&self) -> u64 {
        self.state().next
    }

    /// Takes in what the cell told at `now`; the first word after a silence makes everything older doubtful.
    pub(crate) fn tell(&self, changes: impl IntoIterator<Item = Subject>, now: Instant) {
        let mut state = self.state();
        if state.heard_at.is_none_or(|heard| now.duration_since(heard) > SILENCE) {
            state.next += 1;
            state.known_from = state.next;
            state.changes.clear();
        }
        state.heard_at = Some(now);
        for change in changes {
            if state.changes.len() == REMEMBERED {
                state.changes.pop_front();
                state.known_from += 1;
            }
            state.changes.push_back(change);
            state.next += 1;
        }
    }

    /// Takes note that the cell can no longer tell anything.
    pub(crate) fn lost(&self) {
        self.state().heard_at = None;
    }

    /// Whether what was asked some time ago is still so at `now`.
    pub(crate) fn confirms(&self, opened: &Opened, now: Instant) -> bool {
        let age = now.duration_since(opened.asked_at);
        if age < UNCONFIRMED {
            return true;
        }
        let state = self.state();
        let speaks = state.heard_at.is_some_and(|heard| now.duration_since(heard) <= SILENCE);
        let position = opened.position();
        if !speaks || age > LIFETIME || position < state.known_from {
            return false;
        }
        let unread = usize::try_from(position - state.known_from).unwrap_or(usize::MAX);
        if state.changes.iter().skip(unread).any(|change| opened.depends_on(change)) {
            return false;
        }
        opened.read_until(state.next);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    fn opened(watched: &Watched, at: Instant) -> Opened {
        Opened::for_tests(watched.position(), at)
    }

    fn revoked(opened: &Opened) -> Subject {
        Subject::TokenDigest(opened.digest.clone())
    }

    #[test]
    fn an_answer_is_believed_for_a_moment_without_anyone_confirming_it() {
        let (watched, start) = (Watched::default(), Instant::now());
        let opened = opened(&watched, start);
        assert!(watched.confirms(&opened, (start + UNCONFIRMED).checked_sub(MOMENT).unwrap()));
        assert!(!watched.confirms(&opened, start + UNCONFIRMED));
    }

    #[test]
    fn an_answer_is_believed_while_the_cell_speaks_and_says_nothing_of_it() {
        let (watched, start) = (Watched::default(), Instant::now());
        watched.tell([], start);
        let opened = opened(&watched, start);
        let mut now = start;
        while now.duration_since(start) < LIFETIME.checked_sub(SILENCE).unwrap() {
            now += SILENCE;
            watched.tell([Subject::TenantId(vec![9; 16]), Subject::TokenDigest(vec![9; 32])], now);
            assert!(watched.confirms(&opened, now), "after {:?}", now.duration_since(start));
        }
        watched.tell([], now + SILENCE);
        watched.tell([], now + SILENCE + MOMENT);
        assert!(!watched.confirms(&opened, now + SILENCE + MOMENT), "it is asked for again some day");
    }

    #[test]
    fn a_change_of_what_it_depends_on_ends_an_answer() {
        for change in [
            |opened: &Opened| revoked(opened),
            |opened: &Opened| Subject::ConnectionId(opened.connection_id.0.into_bytes().to_vec()),
            |opened: &Opened| Subject::TenantId(opened.tenant_id.0.into_bytes().to_vec()),
        ] {
            let (watched, start) = (Watched::default(), Instant::now());
            watched.tell([], start);
            let opened = opened(&watched, start);
            let later = start + UNCONFIRMED;
            watched.tell([change(&opened), Subject::TenantId(vec![9; 16])], later);
            assert!(!watched.confirms(&opened, later));
            assert!(!watched.confirms(&opened, later + MOMENT), "nor does another look bring it back");
        }
    }

    #[test]
    fn what_was_asked_for_before_a_change_and_came_after_it_is_doubtful() {
        let (watched, start) = (Watched::default(), Instant::now());
        watched.tell([], start);
        let opened = opened(&watched, start);
        watched.tell([revoked(&opened)], start + MOMENT);
        // Only now the answer arrives.
        watched.tell([], start + UNCONFIRMED);
        assert!(!watched.confirms(&opened, start + UNCONFIRMED));
    }

    #[test]
    fn silence_makes_everything_doubtful_also_when_it_ends() {
        let (watched, start) = (Watched::default(), Instant::now());
        watched.tell([], start);
        let opened = opened(&watched, start);
        let after = start + SILENCE + MOMENT;
        assert!(!watched.confirms(&opened, after));
        watched.tell([], after);
        assert!(!watched.confirms(&opened, after), "what was changed in the silence was not told");
        watched.lost();
        let again = Opened::for_tests(watched.position(), after);
        watched.tell([], after + MOMENT);
        assert!(!watched.confirms(&again, after + UNCONFIRMED), "it was asked for while nobody listened");
    }

    #[test]
    fn more_changes_than_are_remembered_make_everything_doubtful() {
        let (watched, start) = (Watched::default(), Instant::now());
        watched.tell([], start);
        let opened = opened(&watched, start);
        let later = start + UNCONFIRMED;
        watched.tell((0..REMEMBERED).map(|_| Subject::TenantId(vec![9; 16])), later);
        assert!(watched.confirms(&opened, later));
        let other = Opened::for_tests(1, start);
        watched.tell((0..REMEMBERED).map(|_| Subject::TenantId(vec![9; 16])), later);
        assert!(!watched.confirms(&other, later));
    }
}
