//! Tests of the heap against a model.
