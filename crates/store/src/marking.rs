//! Marking tasks: the one statement by which a directory change reaches the sites' workers.
//!
//! Marks go to every site that an enabled link of the connection feeds. Marking again bumps the
//! generation, so that work begun before does not count as done. A task that waits after a failure of
//! the site keeps waiting; one that waits because the site refused that very object is tried again at
//! once, since the object has just changed.

use sea_orm::Value;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::words::{TaskKind, TaskRank};
use crate::error::Result;
use crate::id::{ConnectionId, GroupId, RunId, SiteId, TenantId};
use crate::statement::{IDS_PER_STATEMENT, execute, placeholders, smaller};

/// What is marked, and how.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
    pub(crate) rank: TaskRank,
    pub(crate) at: Timestamp,
    pub(crate) trace_context: Option<String>,
}

/// The columns of a task that a mark fills.
pub(crate) const COLUMNS: &str = "tenant_id, site_id, kind, object_id, connection_id, generation, rank, state, \
    due_at, marked_at, attempts, verify, approved, run_id, trace_context";

/// Placeholders that every mark binds first: $1 tenant, $2 connection, $3 rank, $4 now, $5 trace.
fn first_values(mark: &Mark) -> Vec<Value> {
    vec![
        mark.tenant.into(),
        mark.connection.into(),
        mark.rank.into(),
        mark.at.into(),
        mark.trace_context.clone().into(),
    ]
}

fn on_conflict(transaction: &WriteTransaction) -> String {
    use sea_orm::ConnectionTrait as _;
    let rank = smaller(transaction.get_database_backend(), "tasks.rank", "excluded.rank");
    format!(
        "ON CONFLICT (tenant_id, site_id, kind, object_id) DO UPDATE SET \
         generation = tasks.generation + 1, rank = {rank}, \
         due_at = CASE WHEN tasks.state = 'ready' AND tasks.attempts > 0 \
                  THEN tasks.due_at ELSE excluded.due_at END, \
         state = 'ready', verify = (tasks.verify OR excluded.verify), \
         run_id = COALESCE(excluded.run_id, tasks.run_id), \
         trace_context = COALESCE(excluded.trace_context, tasks.trace_context)"
    )
}

/// The kind's word as SQL text.
fn kind_text(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::User => "'user'",
        TaskKind::Group => "'group'",
    }
}

/// Marks users or groups of the connection that exist now; call it before deleting one.
pub(crate) async fn mark_objects(
    transaction: &WriteTransaction,
    mark: &Mark,
    kind: TaskKind,
    ids: &[uuid::Uuid],
) -> Result<()> {
    let table = match kind {
        TaskKind::User => "users",
        TaskKind::Group => "groups",
    };
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let mut values = first_values(mark);
        values.extend(ids.iter().map(|id| Value::from(*id)));
        // Ordered, so that two transactions marking the same objects wait instead of deadlocking.
        let sql = format!(
            "INSERT INTO tasks ({COLUMNS}) \
             SELECT l.tenant_id, l.site_id, {kind}, o.id, l.connection_id, 1, $3, 'ready', \
                    $4, $4, 0, FALSE, FALSE, NULL, $5 \
             FROM links l JOIN {table} o ON o.tenant_id = l.tenant_id AND o.connection_id = l.connection_id \
             WHERE l.tenant_id = $1 AND l.connection_id = $2 AND l.enabled AND o.id IN ({ids}) \
             ORDER BY l.site_id, o.id {on_conflict}",
            kind = kind_text(kind),
            ids = placeholders(6, ids.len()),
            on_conflict = on_conflict(transaction),
        );
        execute(&**transaction, sql, values).await?;
    }
    Ok(())
}

/// Marks every user that is in `group`, directly or through nested groups.
pub(crate) async fn mark_users_below(
    transaction: &WriteTransaction,
    mark: &Mark,
    group: GroupId,
) -> Result<()> {
    let mut values = first_values(mark);
    values.push(group.into());
    // CROSS JOIN keeps SQLite from turning the joins round, which would read every membership there is.
    let sql = format!(
        "INSERT INTO tasks ({COLUMNS}) \
         WITH RECURSIVE below (group_id) AS ( \
           SELECT $6 UNION \
           SELECT m.member_id FROM below CROSS JOIN group_members m \
           WHERE m.tenant_id = $1 AND m.connection_id = $2 AND m.group_id = below.group_id AND m.kind = 'group') \
         SELECT l.tenant_id, l.site_id, 'user', u.member_id, l.connection_id, 1, $3, 'ready', \
                $4, $4, 0, FALSE, FALSE, NULL, $5 \
         FROM links l CROSS JOIN ( \
           SELECT DISTINCT m.member_id FROM below CROSS JOIN group_members m \
           WHERE m.tenant_id = $1 AND m.connection_id = $2 AND m.group_id = below.group_id \
           AND m.kind = 'user') u \
         WHERE l.tenant_id = $1 AND l.connection_id = $2 AND l.enabled \
         ORDER BY l.site_id, u.member_id {}",
        on_conflict(transaction),
    );
    execute(&**transaction, sql, values).await?;
    Ok(())
}

/// Where objects are marked, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) site: SiteId,
    /// The run that asks for it, if one does.
    pub(crate) run: Option<RunId>,
    /// Whether each is asked for at the site, even if nothing seems to differ.
    pub(crate) verify: bool,
}

/// Marks objects of a directory at one site.
pub(crate) async fn mark_at(
    transaction: &WriteTransaction,
    mark: &Mark,
    kind: TaskKind,
    place: Place,
    ids: &[uuid::Uuid],
) -> Result<()> {
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let mut values = first_values(mark);
        values.push(place.site.into());
        values.push(place.run.into());
        values.extend(ids.iter().map(|id| Value::from(*id)));
        let (kind, verify) = (kind_text(kind), if place.verify { "TRUE" } else { "FALSE" });
        let row = |number| {
            format!("($1, $6, {kind}, ${number}, $2, 1, $3, 'ready', $4, $4, 0, {verify}, FALSE, $7, $5)")
        };
        let rows: Vec<String> = (8..8 + ids.len()).map(row).collect();
        let sql =
            format!("INSERT INTO tasks ({COLUMNS}) VALUES {} {}", rows.join(","), on_conflict(transaction));
        execute(&**transaction, sql, values).await?;
    }
    Ok(())
}
