//! One connector a product of Atlassian behind one trait, without a database.
