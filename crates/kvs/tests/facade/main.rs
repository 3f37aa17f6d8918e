//! The facade, as an application uses it.

mod archives;
mod entities;
mod records;
