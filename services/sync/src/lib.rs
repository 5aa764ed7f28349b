//! Tasks to policy to plan to connector.
