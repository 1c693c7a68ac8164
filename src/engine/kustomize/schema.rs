//! What the API description says of lists: by which key their items are merged.
