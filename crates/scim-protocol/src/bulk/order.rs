//! The order of the operations of a request.

use std::collections::{BTreeMap, BTreeSet};

use super::references::posts;
use super::{BulkOperation, Call, Step};

/// What an operation waits for.
#[derive(Default)]
struct Waits {
    /// Operations that must be done before it.
    before: Vec<usize>,
    /// Operations whose resources it takes as members afterwards.
    after: Vec<usize>,
}

pub(super) fn steps(operations: &[BulkOperation]) -> Vec<Step> {
    let index_of: BTreeMap<&str, usize> = posts(operations).map(|(index, id)| (id, index)).collect();
    let (mut needs, mut members) = (Vec::new(), Vec::new());
    for operation in operations {
        let (needed, listed) = operation.call.as_ref().map(Call::references).unwrap_or_default();
        let indices = |ids: &BTreeSet<String>| -> Vec<usize> {
            // What nobody creates is waited for by nobody: it is 409 when its turn comes.
            ids.iter().filter_map(|id| index_of.get(id.as_str()).copied()).collect()
        };
        needs.push(indices(&needed));
        members.push(indices(&listed));
    }
    let waits = break_circles(needs, members);
    let hopeless = circular(&waits.iter().map(|waits| waits.before.clone()).collect::<Vec<_>>());
    let mut order =
        Order { waits: &waits, visited: vec![false; operations.len()], found: Vec::new(), completed: 0 };
    for index in 0..operations.len() {
        order.visit(index);
        order.complete();
    }
    with_members(&order.found, &waits, &hopeless, operations)
}

/// Groups that hold each other are created first and filled afterwards; every other reference is waited for.
fn break_circles(needs: Vec<Vec<usize>>, members: Vec<Vec<usize>>) -> Vec<Waits> {
    let all: Vec<Vec<usize>> =
        needs.iter().zip(&members).map(|(needs, members)| [needs.as_slice(), members].concat()).collect();
    let mut reversed = vec![Vec::new(); all.len()];
    for (from, targets) in all.iter().enumerate() {
        for &to in targets {
            reversed[to].push(from);
        }
    }
    // What waits for a circle and is waited for by one is in a circle, or between two.
    let (waiting, awaited) = (circular(&all), circular(&reversed));
    let in_circle = |index: usize| waiting[index] && awaited[index];
    let split = needs.into_iter().zip(members).enumerate().map(|(from, (mut before, members))| {
        let (after, more): (Vec<usize>, Vec<usize>) =
            members.into_iter().partition(|&to| in_circle(from) && in_circle(to));
        before.extend(more);
        Waits { before, after }
    });
    split.collect()
}

/// Which operations wait in a circle, or for one that does: all that are left when those that wait for
/// nobody have been taken away again and again.
fn circular(waits_for: &[Vec<usize>]) -> Vec<bool> {
    let mut left: Vec<usize> = waits_for.iter().map(Vec::len).collect();
    let mut awaited_by = vec![Vec::new(); waits_for.len()];
    for (from, targets) in waits_for.iter().enumerate() {
        for &to in targets {
            awaited_by[to].push(from);
        }
    }
    let mut free: Vec<usize> = (0..left.len()).filter(|&index| left[index] == 0).collect();
    let mut circular = vec![true; left.len()];
    while let Some(done) = free.pop() {
        circular[done] = false;
        for &waiting in &awaited_by[done] {
            left[waiting] -= 1;
            if left[waiting] == 0 {
                free.push(waiting);
            }
        }
    }
    circular
}

struct Order<'a> {
    waits: &'a [Waits],
    visited: Vec<bool>,
    found: Vec<usize>,
    /// How many of those have been looked at for what completes them.
    completed: usize,
}

impl Order<'_> {
    /// What must come before it, and itself. As deep as there are operations in a row that wait for each
    /// other, and there are [`super::MAX_OPERATIONS`] at the most.
    fn visit(&mut self, index: usize) {
        if std::mem::replace(&mut self.visited[index], true) {
            return;
        }
        for &before in &self.waits[index].before {
            self.visit(before);
        }
        self.found.push(index);
    }

    /// Brings what completes the groups so far, so that what was sent after them finds them whole.
    fn complete(&mut self) {
        while let Some(&index) = self.found.get(self.completed) {
            self.completed += 1;
            for &after in &self.waits[index].after {
                self.visit(after);
            }
        }
    }
}

/// The steps of an order: members that come later are added as soon as all of them are there.
fn with_members(
    order: &[usize],
    waits: &[Waits],
    hopeless: &[bool],
    operations: &[BulkOperation],
) -> Vec<Step> {
    let mut position = vec![0; order.len()];
    for (place, &index) in order.iter().enumerate() {
        position[index] = place;
    }
    let mut completed_at: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for &index in order.iter().rev() {
        let last = waits[index].after.iter().map(|&after| position[after]).max();
        if let Some(last) = last {
            completed_at[last.max(position[index])].push(index);
        }
    }
    let named = |index: usize| -> Vec<String> {
        waits[index].after.iter().filter_map(|&after| operations[after].bulk_id.clone()).collect()
    };
    let mut steps = Vec::new();
    for (place, &index) in order.iter().enumerate() {
        steps.push(match (hopeless[index], waits[index].after.is_empty()) {
            (true, _) => Step::Refuse(index),
            (false, true) => Step::Perform(index),
            (false, false) => Step::PerformWithout(index, named(index)),
        });
        steps.extend(completed_at[place].iter().map(|&group| Step::AddMembers(group, named(group))));
    }
    steps
}
