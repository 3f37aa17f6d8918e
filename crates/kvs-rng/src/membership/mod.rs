//! Who seems to be up.
