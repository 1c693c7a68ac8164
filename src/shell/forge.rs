//! GitHub, through a thin client of our own on octocrab.
