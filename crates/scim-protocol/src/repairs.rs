//! Sentences that say what was repaired or dropped on the way in.

/// Sentences at the most; a body of a thousand unknown attributes needs no thousand sentences.
const MAX_SENTENCES: usize = 32;
/// Characters of a sentence at the most, since it quotes what the client sent.
const MAX_CHARACTERS: usize = 240;

/// What was repaired, each sentence once and in the order in which it happened.
#[derive(Debug, Default)]
pub(crate) struct Repairs {
    sentences: Vec<String>,
}

impl Repairs {
    /// Notes a repair.
    pub(crate) fn note(&mut self, sentence: impl Into<String>) {
        let mut sentence = sentence.into();
        if let Some((end, _)) = sentence.char_indices().nth(MAX_CHARACTERS) {
            sentence.truncate(end);
            sentence.push('…');
        }
        if self.sentences.len() < MAX_SENTENCES && !self.sentences.contains(&sentence) {
            self.sentences.push(sentence);
        } else if self.sentences.len() == MAX_SENTENCES && !self.sentences.contains(&sentence) {
            self.sentences.push("and more of the kind".into());
        }
    }

    pub(crate) fn into_sentences(self) -> Vec<String> {
        self.sentences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_are_said_once_and_their_number_and_length_are_bounded() {
        let mut repairs = Repairs::default();
        repairs.note("é".repeat(1_000));
        repairs.note("twice");
        repairs.note("twice");
        for n in 0..1_000 {
            repairs.note(format!("dropped {n}"));
        }
        let sentences = repairs.into_sentences();
        assert_eq!(sentences[0].chars().count(), MAX_CHARACTERS + 1);
        assert_eq!(sentences.iter().filter(|sentence| *sentence == "twice").count(), 1);
        assert_eq!(sentences.len(), MAX_SENTENCES + 1);
    }
}
