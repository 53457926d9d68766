package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Drafted tokens change how many steps there are, and nothing else. */
class SpeculationTest {
    private static final String VERSE = "And God said, Let there be light: and there was light. And God saw the light, that"
            + " it was good.";

    private static Generator trained() {
        return Generator.load(Checkpoint.open(Path.of("examples/models/kjv-6m")), Device.CPU);
    }

    @ParameterizedTest
    @LongRun(butFor = {1, 6, 7, 13})
    @MethodSource("dev.lockstep.fixtures.Golden#checkpoints")
    void generate_greedy_equalsTransformersForEveryBatchSize(String family, @TempDir Path scratch) {
        JsonNode cases = Golden.expected(family).get("cases");
        List<Request> requests = Golden.requests(cases, SamplingParams.greedy(40, List.of()));
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32)) {
            generator.speculate();
            for (int batchSize : new int[]{1, 3, 10}) {
                for (Completion completion : generator.generate(requests, batchSize)) {
                    assertThat(completion.tokenIds())
                            .as("%s, batch size %d, prompt %d", family, batchSize, completion.index())
                            .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
                }
            }
            assertThat(generator.drafted().right()).isPositive().isLessThan(generator.drafted().tokens());
        }
    }

    /** Rows that say again what their prompts say, beside one with a penalty, which is never drafted for. */
    @ParameterizedTest
    @LongRun(butFor = {2, 4})
    @CsvSource({"true, 1", "true, 4", "false, 1", "false, 4"})
    void generate_trainedModel_hasTheTextAndLogprobsOfOneTokenAtATime(boolean greedy, int batchSize) {
        List<Request> requests = new ArrayList<>();
        try (Generator generator = trained()) {
            for (int i = 0; i < 12; i++) {
                requests.add(new Request(i, 0,
                        generator.tokenizer().encode(VERSE + " " + VERSE.substring(0, 20 + 3 * i), true),
                        SamplingParams.builder(i == 5 ? 20 : 50).greedy(greedy).temperature(0.6).topP(0.9).seed(7)
                                .repetitionPenalty(i == 5 ? 1.2 : 1).logprobs(2).minNewTokens(i)
                                .eosTokenIds(List.of(2, 13)).stop(List.of("good."))
                                .build()));
            }
            List<Completion> expected = generator.generate(requests, batchSize);
            long steps = generator.timing().steps();
            assertThat(generator.drafted()).isEqualTo(Drafted.NONE);
            generator.speculate();
            List<Completion> actual = generator.generate(requests, batchSize);
            assertThat(generator.drafted().right()).isPositive().isLessThan(generator.drafted().tokens());
            assertThat(generator.timing().steps() - steps).isLessThan(steps);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(actual.get(i).tokenIds()).as("row %d", i).isEqualTo(expected.get(i).tokenIds());
                assertThat(actual.get(i).text()).isEqualTo(expected.get(i).text());
                assertThat(actual.get(i).finishReason()).isEqualTo(expected.get(i).finishReason());
                assertSame(actual.get(i).logprobs(), expected.get(i).logprobs());
            }
        }
    }

    private static void assertSame(List<TokenLogprobs> actual, List<TokenLogprobs> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(actual.get(i).chosen()).isCloseTo(expected.get(i).chosen(), within(1e-4f));
            assertThat(actual.get(i).bestIds()).isEqualTo(expected.get(i).bestIds());
        }
    }

    /** Rows give way to each other, prompts come in pieces, and slots move up when others end. */
    @Test
    void generate_inFewPages_hasTheTextOfOneTokenAtATime() {
        try (Generator generator = trained()) {
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                requests.add(new Request(i, 0,
                        generator.tokenizer().encode(VERSE + " " + VERSE.substring(0, 30 + i), true),
                        SamplingParams.builder(90 + i).greedy(true).eosTokenIds(List.of())
                                // those that end early have more begin beside them than there is room for
                                .stop(i < 15 ? List.of(" ") : List.of()).build()));
            }
            List<Completion> expected = generator.generate(requests, 12);
            generator.speculate();
            generator.cachePages(60, 4);
            generator.prefillTokens(32);
            List<Completion> actual = generator.generate(requests, 12);
            assertThat(generator.cacheUse().interruptions()).isPositive();
            assertThat(generator.drafted().right()).isPositive();
            for (int i = 0; i < expected.size(); i++) {
                assertThat(actual.get(i).tokenIds()).as("row %d", i).isEqualTo(expected.get(i).tokenIds());
            }
        }
    }

    @Test
    void next_ofTokensThatWereThereBefore_isWhatCameAfterTheLongestAndLastOfThem() {
        assertThat(next(3, 1, 2, 3, 4, 5, 9, 2, 3, 7, 8, 1, 2, 3)).as("three are found again").containsExactly(4, 5, 9);
        assertThat(next(2, 1, 2, 5, 1, 2, 6, 1, 2)).as("the last of two").containsExactly(6, 1);
        assertThat(next(5, 7, 1, 2, 3, 1, 2, 3)).as("goes on in turns").containsExactly(1, 2, 3, 1, 2);
        assertThat(next(4, 1, 2, 3, 4, 5, 2)).as("one token alone is none").isEmpty();
        assertThat(next(4, 4, 4, 4)).as("over themselves").containsExactly(4, 4, 4, 4);
        assertThat(next(4, 1)).isEmpty();
    }

    private static int[] next(int most, int... tokens) {
        return PromptLookup.next(Arrays.copyOf(tokens, tokens.length + 10), tokens.length, most);
    }

    @Test
    void most_ofDraftsThatWereRight_growsAndOfWrongOnesFalls() {
        DraftLuck luck = new DraftLuck();
        int first = luck.most(0.05);
        luck.took(4, 4);
        int after = luck.most(0.05);
        assertThat(after).isGreaterThan(first);
        for (int i = 0; i < 30; i++) {
            luck.took(2, 0);
        }
        assertThat(luck.most(0.05)).isZero();
        luck.rested(20_000);
        assertThat(luck.most(0.05)).as("it is tried again").isEqualTo(first);
        assertThat(luck.expected(1)).isBetween(0.59, 0.61);
    }
}
