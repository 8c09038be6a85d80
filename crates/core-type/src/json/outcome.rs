//! Whether a read function declined a value.

/// The outcome of a read function, which can decline a value of another shape.
pub(crate) trait Outcome {
    fn is_declined(&self) -> bool;
}

impl Outcome for () {
    fn is_declined(&self) -> bool {
        false
    }
}

impl<T> Outcome for Option<T> {
    fn is_declined(&self) -> bool {
        self.is_none()
    }
}
