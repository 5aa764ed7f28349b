//! Simulated Atlassian sites and identity providers for the demo and for every test.
