//! Every page, in light, in dark and on a phone.
