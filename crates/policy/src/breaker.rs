//! The safety thresholds: mass removals wait for an admin.

use crate::settings::SafetyWindow;

/// What happened to a link's accounts within its rolling window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Accounts from which it was taken within the window, let through or approved.
    pub executed: u64,
    /// Accounts waiting to be, the one judged included.
    pub pending: u64,
    /// Managed accounts that were active at the start of the window.
    pub active_accounts: u64,
}

/// Whether it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Proceed,
    /// It waits for an admin.
    Hold {
        /// Why, in words and numbers.
        reason: String,
    },
}

/// Judges a deactivation or deletion: held when the window's total is over the absolute limit and over
/// the percentage of active accounts, so that neither a small site nor a large one trips by daily work.
pub fn check(limits: &SafetyWindow, window: &Window) -> Verdict {
    let allowed = (limits.max_deactivations, limits.max_deactivations_percent);
    judge(allowed, limits.hours, window, "would be deactivated or deleted")
}

/// Judges the loss of memberships in the same way, by accounts and not by memberships.
pub fn check_withdrawal(limits: &SafetyWindow, window: &Window) -> Verdict {
    let allowed = (limits.max_withdrawals, limits.max_withdrawals_percent);
    judge(allowed, limits.hours, window, "would lose memberships")
}

fn judge((max, percent): (u32, u32), hours: u32, window: &Window, what: &str) -> Verdict {
    let total = u128::from(window.executed) + u128::from(window.pending);
    // Multiplied out, so that nothing is lost to rounding.
    let percent_of_active = u128::from(percent) * u128::from(window.active_accounts);
    if total <= u128::from(max) || total * 100 <= percent_of_active {
        return Verdict::Proceed;
    }
    let active = window.active_accounts;
    let reason = format!(
        "{total} of {active} active accounts {what} within {hours} hours; the link allows {max} or {percent} %"
    );
    Verdict::Hold { reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settings::Safety;

    /// The window that a link has by default.
    fn by_default() -> SafetyWindow {
        Safety::default().windows()[0]
    }

    fn held(limits: SafetyWindow, executed: u64, pending: u64, active_accounts: u64) -> bool {
        check(&limits, &Window { executed, pending, active_accounts }) != Verdict::Proceed
    }

    #[test]
    fn holds_only_over_both_limits() {
        // executed, pending, active, held; by default over 10 accounts and over 10 %.
        let cases = [
            (0, 10, 10, false),
            (0, 11, 10, true),
            (0, 11, 110, false),
            (0, 11, 109, true),
            (10, 1, 50, true),
            (9, 1, 50, false),
            (0, 100, 1_000, false),
            (0, 101, 1_000, true),
            (0, 11, 0, true),
        ];
        for (executed, pending, active, expected) in cases {
            let case = format!("{executed} + {pending} of {active}");
            assert_eq!(held(by_default(), executed, pending, active), expected, "{case}");
        }
    }

    #[test]
    fn a_week_has_limits_of_its_own() {
        let windows = Safety::default().windows();
        let hours: Vec<u32> = windows.iter().map(|window| window.hours).collect();
        assert_eq!(hours, [24, 168]);
        // Ten a day are nothing to speak of on each day.
        let judged = |limits: &SafetyWindow, executed| {
            check(limits, &Window { executed, pending: 1, active_accounts: 100 })
        };
        assert_eq!(judged(&windows[0], 9), Verdict::Proceed);
        assert_eq!(judged(&windows[1], 29), Verdict::Proceed);
        let Verdict::Hold { reason } = judged(&windows[1], 30) else { panic!("31 of 100 within a week") };
        assert!(reason.contains("within 168 hours; the link allows 30 or 25 %"), "{reason}");
    }

    #[test]
    fn zero_limits_hold_every_one() {
        let limits = SafetyWindow { max_deactivations: 0, max_deactivations_percent: 0, ..by_default() };
        assert!(held(limits, 0, 1, 1_000_000));
    }

    #[test]
    fn hundred_percent_never_holds_what_is_there() {
        let limits = SafetyWindow { max_deactivations: 0, max_deactivations_percent: 100, ..by_default() };
        assert!(!held(limits, 0, 1_000, 1_000));
    }

    #[test]
    fn reason_names_numbers_and_limits() {
        let verdict = check(&by_default(), &Window { executed: 4, pending: 16, active_accounts: 100 });
        let reason = "20 of 100 active accounts would be deactivated or deleted within 24 hours; \
                      the link allows 10 or 10 %";
        assert_eq!(verdict, Verdict::Hold { reason: reason.into() });
    }

    #[test]
    fn memberships_have_limits_of_their_own() {
        let limits = SafetyWindow { max_withdrawals: 2, max_withdrawals_percent: 50, ..by_default() };
        let judged =
            |executed| check_withdrawal(&limits, &Window { executed, pending: 1, active_accounts: 4 });
        assert_eq!(judged(1), Verdict::Proceed);
        let reason =
            "3 of 4 active accounts would lose memberships within 24 hours; the link allows 2 or 50 %";
        assert_eq!(judged(2), Verdict::Hold { reason: reason.into() });
    }

    #[test]
    fn largest_numbers_do_not_overflow() {
        assert!(held(by_default(), u64::MAX, u64::MAX, u64::MAX));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Deactivations are judged one after the other; even if held ones were withdrawn one by one, what
        /// goes through stays within a limit.
        #[test]
        fn deactivations_never_go_beyond_the_threshold(
            max in 0_u32..30,
            percent in 0_u32..=100,
            active in 0_u64..300,
            asked in 0_u64..300,
        ) {
            let limits =
                SafetyWindow { max_deactivations: max, max_deactivations_percent: percent, ..by_default() };
            let mut executed = 0;
            for waiting in (1..=asked).rev() {
                let window = Window { executed, pending: waiting, active_accounts: active };
                if check(&limits, &window) == Verdict::Proceed {
                    executed += 1;
                }
            }
            let within_count = executed <= u64::from(max);
            let within_percent = executed * 100 <= u64::from(percent) * active;
            prop_assert!(within_count || within_percent, "{executed} executed");
        }
    }
}
