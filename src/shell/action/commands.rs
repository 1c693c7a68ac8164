//! What a runner reads: lines of its environment files, and a log in which foreign text is no command.

use anyhow::ensure;
use ring::rand::{SecureRandom, SystemRandom};

use crate::model::hex::hex;

/// An output as `GITHUB_OUTPUT` takes it. The delimiter is random, so that no value can end itself.
pub fn output(name: &str, value: &str) -> anyhow::Result<String> {
    let delimiter = random_word()?;
    ensure!(!value.contains(&delimiter), "the value of {name} holds a random word: run the step again");
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// Text for the log in which the runner looks for no commands.
pub fn silenced(text: &str) -> anyhow::Result<String> {
    let token = random_word()?;
    let end = if text.ends_with('\n') { "" } else { "\n" };
    Ok(format!("::stop-commands::{token}\n{text}{end}::{token}::\n"))
}

fn random_word() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the machine gives no random numbers"))?;
    Ok(format!("sourceward-{}", hex(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_lines() {
        let text = output("a", "x\ny=1\nb<<c").expect("written");
        let (first, rest) = text.split_once('\n').expect("lines");
        let delimiter = first.strip_prefix("a<<").expect("a heredoc");
        assert_eq!(rest, format!("x\ny=1\nb<<c\n{delimiter}\n"));
        assert_ne!(output("a", "").expect("written"), output("a", "").expect("written"));
    }

    #[test]
    fn a_silenced_text_ends_with_its_own_word() {
        let text = silenced("::error::x\n::stop-commands::y").expect("written");
        let word = text.lines().next().and_then(|line| line.strip_prefix("::stop-commands::")).expect("a word");
        assert_eq!(text.lines().last(), Some(format!("::{word}::").as_str()));
    }
}
