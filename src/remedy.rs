//! What to do about a finding: the change, the edit, the proof, the pull request.
