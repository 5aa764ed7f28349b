//! The connector of Jira Data Center against scripted answers. Start at [`script`].

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod members;
#[cfg(test)]
mod script;
