//! Lists that are kept as rows: the members of a group, and the groups that hold a user.

use scim_protocol::schema::Attribute;

use super::Kind;
use super::comparison::Place;
use super::expression::{Condition, Step, Values, Writer};

const MEMBERS: &str = "FROM group_members m WHERE m.tenant_id = $1 AND m.connection_id = $2";

/// A sub-attribute of a member, in a row `m`.
pub(super) fn of_member(sub: &Attribute, kind: &Kind<'_>, writer: &mut Writer) -> Place {
    match sub.name.as_str() {
        "value" => Place::Id("m.member_id".to_owned()),
        // The words are those of the wire, folded.
        "type" => Place::Search(Values::One("m.kind".to_owned())),
        "$ref" => {
            let [users, groups] = [true, false].map(|is_user| writer.bind(kind.address(is_user)));
            let id = writer.id_text("m.member_id");
            let start = format!("CASE m.kind WHEN 'user' THEN {users} ELSE {groups} END");
            Place::Search(Values::One(format!("({start} || {id})")))
        }
        _ => Place::Nowhere,
    }
}

/// A sub-attribute of a group that holds a user, in a row `h` of `groups`.
pub(super) fn of_group(sub: &Attribute, kind: &Kind<'_>, writer: &mut Writer) -> Place {
    match sub.name.as_str() {
        "value" => Place::Id("h.id".to_owned()),
        "$ref" => Place::Address { start: kind.address(false), id: "h.id".to_owned() },
        "display" => {
            let step = Step { name: "displayName", list: false };
            match writer.values("h.search", &[step]) {
                Some(values) => Place::Column { column: "h.display_name_folded".to_owned(), values },
                None => Place::Unknown,
            }
        }
        // Whether a membership is direct depends on the user and the group together.
        _ => Place::Unknown,
    }
}

/// The group has a member for whom a condition holds. One that names an id is looked up at once for all
/// groups, by the index of members.
pub(super) fn any_member(condition: Condition, names_id: bool) -> Condition {
    if condition.is_false() {
        return condition;
    }
    let Condition { sql, exact } = condition;
    let sql = if names_id {
        format!("r.id IN (SELECT m.group_id {MEMBERS} AND {sql})")
    } else {
        format!("EXISTS (SELECT 1 {MEMBERS} AND m.group_id = r.id AND {sql})")
    };
    Condition { sql, exact }
}

/// The user is a member, directly or through nested groups, of a group for which a condition holds. The way
/// is from the groups down to their members: the other way would be one for each user. CROSS JOIN keeps
/// SQLite from turning the joins round.
pub(super) fn any_group(condition: Condition) -> Condition {
    if condition.is_false() {
        return condition;
    }
    let any = condition.is_true();
    let Condition { sql, exact } = condition;
    if any {
        return Condition { sql: format!("EXISTS (SELECT 1 {MEMBERS} AND m.member_id = r.id)"), exact };
    }
    let members = "FROM below CROSS JOIN group_members m WHERE m.tenant_id = $1 AND m.connection_id = $2 \
        AND m.group_id = below.group_id";
    let sql = format!(
        "r.id IN (WITH RECURSIVE below (group_id) AS ( \
           SELECT h.id FROM groups h WHERE h.tenant_id = $1 AND h.connection_id = $2 AND {sql} \
           UNION SELECT m.member_id {members} AND m.kind = 'group') \
         SELECT m.member_id {members} AND m.kind = 'user')"
    );
    Condition { sql, exact }
}
