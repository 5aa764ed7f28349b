//! Whether a user of one directory and an account that another directory feeds are one person.
//!
//! Two directories that give an account of one site the same user name mostly mean the same person, and sometimes two:
//! `jsmith` may be John at one company and Jane at the one that it bought. To share the account would give each what is
//! the other's, so where something speaks against it a person is asked.

use std::collections::BTreeSet;

use scim_protocol::fold;

use crate::account::Claim;

/// What e-mail addresses say of two people who share a user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Both sides know one address.
    Same,
    /// One side knows none.
    Unknown,
    /// They know different ones; said in words.
    Different(String),
}

/// How the user of `newcomer` is like the person of an account that `others` claim and that has `account_email`. Claims of
/// the same directory, and those that are in doubt themselves, are no evidence; the account's own address counts where
/// nobody who claims it has one.
pub fn likeness<'a>(
    newcomer: &Claim,
    others: impl IntoIterator<Item = &'a Claim>,
    account_email: Option<&str>,
) -> Likeness {
    let address = |claim: &Claim| claim.user.as_ref().and_then(|user| user.email.clone());
    let Some(own) = address(newcomer) else { return Likeness::Unknown };
    let mut theirs: BTreeSet<String> = others
        .into_iter()
        .filter(|other| other.connection != newcomer.connection && other.doubt.is_none())
        .filter_map(address)
        .collect();
    if theirs.is_empty() {
        theirs.extend(account_email.map(str::to_owned));
    }
    if theirs.is_empty() {
        return Likeness::Unknown;
    }
    if theirs.iter().any(|theirs| fold(theirs.trim()) == fold(own.trim())) {
        return Likeness::Same;
    }
    let theirs: Vec<&str> = theirs.iter().map(String::as_str).collect();
    Likeness::Different(format!(
        "the user's e-mail address is {own}, and that of the account's person {}: they may be two people",
        theirs.join(" or ")
    ))
}

/// Looks at each claim on an account that is in doubt, and lifts the doubt where the addresses agree, or where nobody has
/// looked before and they say nothing: then the user name is believed. A doubt that was raised stays until they agree or a
/// person says so, and so does that of a user whom its directory has deleted. An empty doubt is one that nobody has
/// looked at.
pub fn weigh(claims: &mut [Claim], account_email: Option<&str>) {
    for position in 0..claims.len() {
        let claim = &claims[position];
        let Some(raised) = &claim.doubt else { continue };
        let doubt = match likeness(claim, claims.iter(), account_email) {
            Likeness::Same => None,
            Likeness::Unknown if raised.is_empty() && claim.user.is_some() => None,
            Likeness::Unknown => Some(raised.clone()),
            Likeness::Different(reason) => Some(reason),
        };
        claims[position].doubt = doubt;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{claim, user};

    fn with_email(link: u128, email: Option<&str>) -> Claim {
        let mut jsmith = user("jsmith", true);
        jsmith.email = email.map(str::to_owned);
        Claim { user: Some(jsmith), ..claim(link) }
    }

    #[test]
    fn addresses_decide() {
        let same = || Likeness::Same;
        let different = |theirs: &str| {
            Likeness::Different(format!(
                "the user's e-mail address is j@a.test, and that of the account's person {theirs}: they may be two people"
            ))
        };
        let cases = [
            (Some("j@a.test"), &[Some("J@A.test ")][..], None, same()),
            (Some("j@a.test"), &[Some("j@b.test")], None, different("j@b.test")),
            (Some("j@a.test"), &[Some("j@b.test"), Some("j@a.test")], None, same()),
            (Some("j@a.test"), &[None], None, Likeness::Unknown),
            (None, &[Some("j@b.test")], None, Likeness::Unknown),
            // Whoever claimed it is deleted: what the account has is all that is known.
            (Some("j@a.test"), &[], Some("j@b.test"), different("j@b.test")),
            (Some("j@a.test"), &[None], Some("j@b.test"), different("j@b.test")),
            (Some("j@a.test"), &[Some("j@a.test")], Some("j@b.test"), same()),
            (Some("j@a.test"), &[], Some("j@a.test"), same()),
        ];
        for (own, others, account, expected) in cases {
            let newcomer = with_email(1, own);
            let others: Vec<Claim> =
                (2..).zip(others).map(|(link, email)| with_email(link, *email)).collect();
            assert_eq!(likeness(&newcomer, &others, account), expected, "{own:?} {others:?} {account:?}");
        }
    }

    #[test]
    fn colleagues_and_those_in_doubt_themselves_are_no_evidence() {
        let newcomer = with_email(1, Some("j@a.test"));
        let mut colleague = with_email(2, Some("j@a.test"));
        colleague.connection = newcomer.connection;
        let doubtful = Claim { doubt: Some("two people".to_owned()), ..with_email(3, Some("j@a.test")) };
        assert!(matches!(
            likeness(&newcomer, [&colleague, &doubtful], Some("j@b.test")),
            Likeness::Different(_)
        ));
    }

    #[test]
    fn a_doubt_is_lifted_by_agreement_and_not_by_silence() {
        let settled = with_email(1, Some("j@a.test"));
        let raised = "two people".to_owned();
        // The newcomer's address, the doubt before, and whether one is left.
        let cases = [
            (Some("j@a.test"), "", false),
            (Some("j@a.test"), "two people", false),
            (Some("j@b.test"), "", true),
            (None, "", false),
            (None, "two people", true),
        ];
        for (email, before, left) in cases {
            let newcomer = Claim { doubt: Some(before.to_owned()), ..with_email(2, email) };
            let mut claims = [newcomer, settled.clone()];
            weigh(&mut claims, None);
            assert_eq!(claims[0].doubt.is_some(), left, "{email:?} {before:?}");
            assert_eq!(claims[1].doubt, None);
        }
        let deleted = Claim { user: None, doubt: Some(raised.clone()), ..with_email(2, None) };
        let mut claims = [settled, deleted];
        weigh(&mut claims, None);
        assert_eq!(claims[1].doubt, Some(raised), "whoever is gone takes nobody's account along");
    }

    #[test]
    fn a_claim_in_doubt_has_no_say() {
        let settled = Claim { groups: vec!["devs".into()], ..with_email(1, Some("j@a.test")) };
        let doubtful = Claim {
            precedence: 10,
            groups: vec!["ops".into()],
            doubt: Some("two people".to_owned()),
            ..with_email(2, Some("j@b.test"))
        };
        let product = crate::testing::jira();
        let alone = crate::account::fold(std::slice::from_ref(&settled), &product);
        assert_eq!(crate::account::fold(&[doubtful.clone(), settled.clone()], &product), alone);
        assert_eq!(crate::account::fold(&[settled, doubtful], &product), alone);
    }
}
