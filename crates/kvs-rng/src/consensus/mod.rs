//! How the layout is agreed.
