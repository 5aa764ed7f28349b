//! The engine at simulated sites over HTTP, on a real SQLite and a real PostgreSQL.
//!
//! `world` is the stage: a tenant with a directory, a site and a link between them. Each scenario is a function
//! over it, run on both databases; `simulated` has the products, and most scenarios run at Jira.

/// Makes a test on each database of every scenario in the module.
macro_rules! on_both_databases {
    ($($scenario:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                super::$scenario(crate::world::World::new(store::testing::sqlite_store().await).await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                super::$scenario(crate::world::World::new(store::testing::postgres_store().await).await).await;
            })+
        }
    };
}

/// The same, and on SQLite at every other product.
macro_rules! at_every_product {
    ($($scenario:ident),+ $(,)?) => {
        on_both_databases!($($scenario),+);

        at_product!(at_confluence, Confluence, $($scenario),+);
        at_product!(at_bitbucket, Bitbucket, $($scenario),+);
        at_product!(at_crowd, Crowd, $($scenario),+);
        at_product!(at_cloud, Cloud, $($scenario),+);
        at_product!(at_jira_cloud, JiraCloud, $($scenario),+);
        at_product!(at_jira_cloud_with_key, JiraCloudWithKey, $($scenario),+);
    };
}

macro_rules! at_product {
    ($module:ident, $product:ident, $($scenario:ident),+) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                let store = store::testing::sqlite_store().await;
                let product = crate::simulated::Simulated::$product;
                super::$scenario(crate::world::World::at(store, product).await).await;
            })+
        }
    };
}

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod behind_our_back;
#[cfg(test)]
mod bitbucket;
#[cfg(test)]
mod bitbucket_cloud;
#[cfg(test)]
mod cloud;
#[cfg(test)]
mod conflicts;
#[cfg(test)]
mod confluence;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod jira_cloud;
#[cfg(test)]
mod leads;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod names;
#[cfg(test)]
mod odd_sites;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod random;
#[cfg(test)]
mod safety;
#[cfg(test)]
mod settings_table;
#[cfg(test)]
mod several;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod surveys;
#[cfg(test)]
mod user_rules;
#[cfg(test)]
mod world;
