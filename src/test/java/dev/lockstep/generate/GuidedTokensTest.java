package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.Set;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.grammar.Grammar;
import dev.lockstep.grammar.TextAutomaton;
import dev.lockstep.tokenizer.Tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

/** The tokens that a state of a grammar leaves, against each token by itself. */
class GuidedTokensTest {
    private static final Set<Integer> ENDS = Set.of(0, 70);

    @TempDir
    private Path scratch;

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 64, 100_000})
    void mask_byAnyNumberOfThreads_hasTheTokensWhoseBytesLeadSomewhere(int piece) {
        try (Tokenizer tokenizer = Tokenizer.load(Golden.copyWithTokenizer("llama-gqa", scratch))) {
            int vocabulary = 1000;
            GuidedTokens guided = new GuidedTokens(tokenizer, vocabulary, piece);
            TextAutomaton grammar = Grammar.regex("(né|[A-Z][a-z]{1,8}) (in|at) [0-9]{4}(, or so)?").automaton();
            int left = 0;
            for (int state = 0; state < grammar.size(); state++) {
                long[] mask = guided.mask(grammar, state, ENDS);
                for (int token = 0; token < vocabulary; token++) {
                    boolean leads = tokenizer.isOfBytes(token) && tokenizer.bytes(token).length > 0
                            && grammar.run(state, tokenizer.bytes(token)) != TextAutomaton.NOWHERE;
                    boolean expected = ENDS.contains(token) ? grammar.isEnd(state) : leads;
                    assertThat(mask[token / Long.SIZE] >> token % Long.SIZE & 1)
                            .as("token %d in state %d", token, state)
                            .isEqualTo(expected ? 1 : 0);
                    left += expected ? 1 : 0;
                }
            }
            assertThat(left).isGreaterThan(100);
        }
    }
}
