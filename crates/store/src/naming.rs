//! Members as requests name them, and who is meant.
//!
//! A member's value is the id of a user or group. Some clients send another name that they know: what they
//! call `externalId`, or the userName. Where that names exactly one, there is no doubt who is meant.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DatabaseBackend};
use uuid::Uuid;

use crate::entity::words::MemberKind;
use crate::error::Result;
use crate::id::{ConnectionId, TenantId};
use crate::lookup;
use crate::members::Member;
use crate::statement::{IDS_PER_STATEMENT, placeholders, rows};

/// A member as a request names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberName {
    /// The member's `value`.
    pub text: String,
    /// Which of the two it is, if the request says so.
    pub kind: Option<MemberKind>,
}

impl From<Uuid> for MemberName {
    fn from(id: Uuid) -> Self {
        Self { text: id.to_string(), kind: None }
    }
}

/// What is to become of members that are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownMembers {
    /// The write is refused.
    #[default]
    Refused,
    /// They wait until they arrive. Names other than ids count as well.
    Parked,
}

/// How names are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Whether a name may be an externalId or a userName.
    pub(crate) by_any_name: bool,
    /// Whether who is found is locked against deletion until the transaction ends.
    pub(crate) lock: bool,
}

/// Who is meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    known: HashMap<String, Member>,
    /// Members already, so that they were not locked.
    unlocked: BTreeSet<Uuid>,
    /// How many were named by something else than their id.
    by_external_id: usize,
    by_user_name: usize,
}

impl Named {
    /// Those of `names` that are ids of `members`.
    pub(crate) fn among(members: &[Member], names: &[MemberName]) -> Self {
        let members: HashMap<Uuid, Member> =
            members.iter().map(|member| (member.member_id, *member)).collect();
        let mut meant = Self::default();
        for name in names {
            if let Some(member) = name.text.parse().ok().and_then(|id: Uuid| members.get(&id)) {
                meant.known.insert(name.text.clone(), *member);
                meant.unlocked.insert(member.member_id);
            }
        }
        meant
    }

    /// Whether somebody was found without being locked.
    pub(crate) fn is_unlocked(&self, id: Uuid) -> bool {
        self.unlocked.contains(&id)
    }

    pub(crate) fn get(&self, text: &str) -> Option<Member> {
        self.known.get(text).copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Who is meant by any of the names.
    pub(crate) fn members(&self) -> impl Iterator<Item = Member> + '_ {
        self.known.values().copied()
    }

    /// The names that are nobody's.
    pub(crate) fn unknown<'a>(&self, names: &'a [MemberName]) -> Vec<&'a MemberName> {
        names.iter().filter(|name| !self.known.contains_key(&name.text)).collect()
    }

    /// What was made of names that are no ids, in words.
    pub(crate) fn repairs(&self) -> Vec<String> {
        let said = |count: usize, name: &str| match count {
            0 => None,
            1 => Some(format!("1 member named by its {name}")),
            _ => Some(format!("{count} members named by their {name}")),
        };
        [said(self.by_external_id, "externalId"), said(self.by_user_name, "userName")]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Finds who is meant by `names`, for `named` to know. One that could be several is nobody's.
pub(crate) async fn resolve<C: ConnectionTrait>(
    connection: &C,
    directory: (TenantId, ConnectionId),
    names: &[MemberName],
    reading: Reading,
    meant: &mut Named,
) -> Result<()> {
    let ids: BTreeSet<Uuid> = names.iter().filter_map(|name| name.text.parse().ok()).collect();
    let members: HashMap<Uuid, Member> = by_id(connection, directory, &ids, reading.lock)
        .await?
        .into_iter()
        .map(|member| (member.member_id, member))
        .collect();
    for name in names {
        if let Some(member) = name.text.parse().ok().and_then(|id: Uuid| members.get(&id)) {
            meant.known.insert(name.text.clone(), *member);
        }
    }
    if reading.by_any_name {
        let others: Vec<MemberName> = meant.unknown(names).into_iter().cloned().collect();
        for names in others.chunks(IDS_PER_STATEMENT) {
            by_other_names(connection, directory, names, reading.lock, meant).await?;
        }
    }
    Ok(())
}

fn share(connection: &impl ConnectionTrait, lock: bool) -> &'static str {
    let postgres = connection.get_database_backend() == DatabaseBackend::Postgres;
    if postgres && lock { "ORDER BY id FOR KEY SHARE" } else { "" }
}

/// Which of `ids` are users or groups of the directory; with `lock`, locked against deletion.
pub(crate) async fn by_id<C: ConnectionTrait>(
    connection: &C,
    (tenant, directory): (TenantId, ConnectionId),
    ids: &BTreeSet<Uuid>,
    lock: bool,
) -> Result<Vec<Member>> {
    let share = share(connection, lock);
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    let mut members = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let before = members.len();
        for (table, kind) in [("users", MemberKind::User), ("groups", MemberKind::Group)] {
            if members.len() - before == ids.len() {
                break;
            }
            let sql = format!(
                "SELECT id AS member_id FROM {table} WHERE tenant_id = $1 AND connection_id = $2 \
                 AND id IN ({}) {share}",
                placeholders(3, ids.len()),
            );
            let mut values = vec![tenant.into(), directory.into()];
            values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
            for row in rows(connection, sql, values).await? {
                members.push(Member { member_id: row.try_get("", "member_id")?, kind });
            }
        }
    }
    Ok(members)
}

/// Looks names up where an index answers: externalIds exactly, userNames without case.
async fn by_other_names<C: ConnectionTrait>(
    connection: &C,
    (tenant, directory): (TenantId, ConnectionId),
    names: &[MemberName],
    lock: bool,
    meant: &mut Named,
) -> Result<()> {
    const COLUMNS: [(&str, &str, MemberKind); 3] = [
        ("users", "external_id", MemberKind::User),
        ("users", "user_name_folded", MemberKind::User),
        ("groups", "external_id", MemberKind::Group),
    ];
    let share = share(connection, lock);
    let key = |name: &MemberName, column: &str| {
        if column == "user_name_folded" { lookup::folded(&name.text) } else { lookup::exact(&name.text) }
    };
    let mut found: HashMap<(&str, String), BTreeSet<Member>> = HashMap::new();
    for (table, column, kind) in COLUMNS {
        let keys: BTreeSet<String> = names.iter().map(|name| key(name, column)).collect();
        let sql = format!(
            "SELECT id AS member_id, {column} AS name FROM {table} WHERE tenant_id = $1 \
             AND connection_id = $2 AND {column} IN ({}) {share}",
            placeholders(3, keys.len()),
        );
        let mut values: Vec<sea_orm::Value> = vec![tenant.into(), directory.into()];
        values.extend(keys.into_iter().map(sea_orm::Value::from));
        for row in rows(connection, sql, values).await? {
            let member = Member { member_id: row.try_get("", "member_id")?, kind };
            found.entry((column, row.try_get("", "name")?)).or_default().insert(member);
        }
    }
    for name in names {
        let of = |column: &'static str| {
            let members = found.get(&(column, key(name, column))).into_iter().flatten();
            members.filter(|member| name.kind.is_none_or(|kind| kind == member.kind))
        };
        let by_external_id: BTreeSet<Member> = of("external_id").copied().collect();
        let all: BTreeSet<Member> = of("user_name_folded").chain(&by_external_id).copied().collect();
        // Two that answer to one name: there is no telling which one is meant.
        let [member] = all.iter().copied().collect::<Vec<_>>()[..] else { continue };
        if meant.known.insert(name.text.clone(), member).is_some() {
            continue;
        }
        if by_external_id.contains(&member) {
            meant.by_external_id += 1;
        } else {
            meant.by_user_name += 1;
        }
    }
    Ok(())
}
