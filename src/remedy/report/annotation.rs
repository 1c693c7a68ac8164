//! Annotations: a sentence at a line of the source, as GitHub's workflow commands put it into the diff view.
//!
//! GitHub shows ten of a kind for a step. Escapes are those of `actions/toolkit` (`packages/core/src/command.ts`).

use super::Answered;
use crate::remedy::Verdict;

/// The most annotations of one kind that GitHub shows for a step.
const MAX_OF_A_KIND: usize = 10;

/// The workflow commands that annotate the source, a line each: what can be fixed as a warning, what is refused as a notice.
pub fn commands(answers: &[Answered]) -> Vec<String> {
    let of = |kind: &str, wanted: &dyn Fn(&Verdict) -> bool| {
        let chosen = answers.iter().filter(|answer| wanted(&answer.verdict));
        let lines = chosen.filter_map(|answer| {
            let (file, line) = answer.place()?;
            let message = data(&answer.sentence());
            Some(format!("::{kind} file={},line={line},title=sourceward::{message}", property(&file)))
        });
        lines.take(MAX_OF_A_KIND).collect::<Vec<_>>()
    };
    let mut all = of("warning", &|verdict| matches!(verdict, Verdict::Patched(_)));
    all.extend(of("notice", &|verdict| matches!(verdict, Verdict::Refused(_))));
    all
}

/// A text as a command's message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as the value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        finding::{Finding, Intent},
        refusal::{Code, Refusal},
        resource::{ResourceId, TerraformId},
    };

    #[test]
    fn foreign_text_stays_within_its_command() {
        let resource = ResourceId::Terraform(TerraformId { address: "a.b\n::error::gone".to_owned() });
        let refusal = Refusal::new(Code::NoRule, "100%\r\nlost", "do").at("a,b:c/%.tf", Some(3));
        let finding = Finding::about(Intent::Drift, resource);
        let answer = Answered { finding, verdict: Verdict::Refused(refusal), proposed: None, note: None };
        assert_eq!(
            commands(&[answer]),
            [
                "::notice file=a%2Cb%3Ac/%25.tf,line=3,title=sourceward::a.b\\n::error::gone: 100%25\\r\\nlost [no-rule] do"
            ]
        );
    }
}
