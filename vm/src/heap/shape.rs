/// Interned reference pattern. Valid for the life of its heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape(u32);
impl Shape {
    /// No references.
    pub const SCALAR: Shape = Shape(0);
    /// Every word a reference.
    pub const REFERENCES: Shape = Shape(1);
}
