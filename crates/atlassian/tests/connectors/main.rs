//! The connectors against scripted answers. Start at [`script`].

#[cfg(test)]
mod atlassian_cloud;
#[cfg(test)]
mod bitbucket_cloud;
#[cfg(test)]
mod bitbucket_data_center;
#[cfg(test)]
mod confluence_data_center;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod jira_cloud;
#[cfg(test)]
mod jira_data_center;
#[cfg(test)]
mod script;
