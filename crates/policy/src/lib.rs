//! What the settings ask of a site: pure rules from directory and observed state to a plan.
