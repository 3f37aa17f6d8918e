//! Where the layouts of a node are seen.

use std::sync::Arc;

use tokio::sync::watch;

use crate::layout::Layout;

/// Where layouts are published. Clones are handles of the same.
#[derive(Clone, Default)]
pub(crate) struct Published(Arc<Places>);

#[derive(Default)]
struct Places {
    /// The newest layout that this node has heard of, from whomever.
    shown: watch::Sender<Option<Arc<Layout>>>,
    /// The newest layout that came through this node's log.
    agreed: watch::Sender<Option<Arc<Layout>>>,
}

impl Published {
    /// Notes what came through the log, and shows it.
    pub(crate) fn agree(&self, layout: &Layout) {
        self.0.agreed.send_replace(Some(Arc::new(layout.clone())));
        self.show(layout);
    }

    /// Shows `layout` to all who watch, unless they have seen it or a newer one.
    pub(crate) fn show(&self, layout: &Layout) {
        self.0.shown.send_if_modified(|shown| {
            let newer = shown.as_ref().is_none_or(|shown| {
                shown.cluster() == layout.cluster() && shown.version() < layout.version()
            });
            if newer {
                *shown = Some(Arc::new(layout.clone()));
            }
            newer
        });
    }

    /// The newest layout.
    pub(crate) fn layout(&self) -> Option<Arc<Layout>> {
        self.0.shown.borrow().clone()
    }

    /// The newest layout, and those that come.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Arc<Layout>>> {
        self.0.shown.subscribe()
    }

    /// The newest layout that came through the log: what the next one is made of.
    pub(crate) fn agreed(&self) -> Option<Arc<Layout>> {
        self.0.agreed.borrow().clone()
    }
}
