//! What is kept of a request besides the resources.

use crate::harness::{Edge, Idp};

impl Edge {
    /// What the timeline says of a user or group, the newest first.
    pub(crate) async fn told(&self, idp: &Idp, id: &str) -> Vec<String> {
        let timeline = self.store.tenant(idp.tenant).timeline();
        let entries = timeline.list(id.parse().unwrap(), None, 100).await.unwrap();
        entries.into_iter().map(|entry| entry.summary).collect()
    }

    /// What a group's parked members are called.
    pub(crate) async fn parked(&self, idp: &Idp, group: &str) -> Vec<String> {
        let groups = self.store.tenant(idp.tenant).groups(idp.connection);
        let group = group.parse().unwrap();
        let parked = groups.parked_after(group, None, 1_000).await.unwrap();
        assert_eq!(groups.parked_count(group).await.unwrap(), parked.len() as u64);
        parked.into_iter().map(|row| row.value_text).collect()
    }
}
