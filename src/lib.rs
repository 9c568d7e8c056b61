//! golite.
