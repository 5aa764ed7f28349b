//! PostgreSQL and SQLite storage: entities, migrations, tenant-scoped repositories.
