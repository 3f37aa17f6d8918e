//! Each check finds what it is for, and nothing else.
