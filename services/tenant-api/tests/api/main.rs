//! The control plane through its real router, on SQLite and on PostgreSQL.

/// Makes two tests of the function of that name: one for each database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                super::$name(crate::harness::Api::on_sqlite().await).await;
            }

            #[tokio::test]
            async fn on_postgresql() {
                super::$name(crate::harness::Api::on_postgresql().await).await;
            }
        }
    )+};
}

#[cfg(test)]
mod access;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod break_glass;
#[cfg(test)]
mod foresight;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod links;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod organization;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod scripted_rules;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod site_test;
#[cfg(test)]
mod sites;
