//! Interpreter, values, heap.
