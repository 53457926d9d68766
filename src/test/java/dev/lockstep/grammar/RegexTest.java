package dev.lockstep.grammar;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.grammar.Grammar.Kind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Regular expressions, beside Java's own: the same texts fit. */
class RegexTest {
    private static final int WALKS = 40;
    private static final int TEXTS = 400;

    @ParameterizedTest
    @ValueSource(strings = {"abc", "a|b|", "(ab|c)*d+e?", "[a-c]{2,3}x{0,1}", "^\\d{3}-\\d{4}$",
            "(?:yes|no)(?P<rest>!)??",
            "[^a-z]+", "[^\\d\\s]{2}", "\\w+@\\w+\\.(com|org)", "a.c", "[]a]", "[a\\]b]+",
            "\\x41\\u00e9[\\u4e00-\\u9fff]*",
            "é+|ü", "(a{0,2}b){3}", "[\\w.-]+", "\\D\\S\\W", "\\t\\n\\r\\f", "[+\\-*/]", "a{2,}?b", "😀+", "x\\$\\^y",
            "[a-]b"})
    void texts_walkedAndMadeUp_fitAsInJava(String expression) {
        TextAutomaton automaton = new Grammar(Kind.REGEX, expression).automaton();
        Pattern java = Pattern.compile(expression.replace("(?P<", "(?<"), Pattern.UNICODE_CASE);
        Random random = new Random(5);
        for (int i = 0; i < WALKS; i++) {
            String text = Walk.of(automaton, random, 30);
            assertThat(java.matcher(text).matches()).as(text).isTrue();
        }
        String alphabet = "abcdexyz019-@. é😀\n\t_!]$^ABCno" + "一";
        int fitting = 0;
        for (int i = 0; i < TEXTS; i++) {
            StringBuilder text = new StringBuilder();
            int[] all = alphabet.codePoints().toArray();
            int length = random.nextInt(6);
            for (int j = 0; j < length; j++) {
                text.appendCodePoint(all[random.nextInt(all.length)]);
            }
            boolean fits = fits(automaton, text.toString());
            assertThat(fits).as(text.toString()).isEqualTo(java.matcher(text).matches());
            fitting += fits ? 1 : 0;
        }
        assertThat(fitting).isLessThan(TEXTS);
    }

    static boolean fits(TextAutomaton automaton, String text) {
        int state = automaton.run(TextAutomaton.START, text.getBytes(StandardCharsets.UTF_8));
        return state != TextAutomaton.NOWHERE && automaton.isEnd(state);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '`', value = {
            "a(?=b) ~ has (?, which begins what is not supported but for (?: and (?P<name> (character 3)",
            "(a)\\1 ~ has \\1, which is not supported (character 5)",
            "\\bword ~ has \\b, which is not supported (character 2)",
            "a** ~ has a repetition of a repetition (character 2)", "*a ~ has a * that repeats nothing (character 1)",
            "(a ~ has no ) where one has to be (character 2)", "a) ~ has a ) that closes nothing (character 1)",
            "[b-a] ~ has a range that ends before it begins (character 4)", "a{3,2} ~ has {3,2} (character 6)",
            "a{,2} ~ has a { that no number up to 10000 follows; write \\{ for the character (character 2)",
            "[abc ~ has no ] where one has to be (character 4)", "a^b ~ has a ^ that is not at an end (character 2)",
            "a$b ~ has a $ that is not at an end (character 2)", "(a$)b ~ has a $ that is not at an end (character 2)",
            "a\\ ~ has a \\ at the end (character 2)",
            "\\xg0 ~ has an escape that has not 2 hexadecimal digits (character 3)",
            "[[:alpha:]] ~ has a set in a class; write \\[ for the character (character 1)",
            "[^\\x00-\\uffff\\ud800] ~ ``"})
    void automaton_notSupported_isSaidInOneSentence(String expression, String sentence) {
        Grammar grammar = new Grammar(Kind.REGEX, expression);
        if (sentence.isEmpty()) {
            assertThat(grammar.automaton().size()).isPositive(); // what is beyond the first 65,536
        } else {
            assertThatThrownBy(grammar::automaton).isInstanceOf(GrammarException.class).hasMessage(sentence);
        }
    }

    @Test
    void automaton_tooLargeOrOfNoText_isSaid() {
        assertThatThrownBy(new Grammar(Kind.REGEX, "(.*a.{30})|(.*b.{29})")::automaton)
                .hasMessage("is too large: its automaton has too many states");
        assertThatThrownBy(new Grammar(Kind.REGEX, "[^\\x00-\\uffff\\U]")::automaton)
                .isInstanceOf(GrammarException.class);
        assertThat(new Grammar(Kind.REGEX, "a").automaton()).isSameAs(new Grammar(Kind.REGEX, "a").automaton());
        assertThat(List.of(fits(new Grammar(Kind.REGEX, "").automaton(), ""),
                fits(new Grammar(Kind.REGEX, "").automaton(), "a"))).containsExactly(true, false);
    }
}
