package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import ai.djl.engine.EngineException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.OutOfDeviceMemoryException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Requests that come while others are under way, and memory that runs out. */
class StreamingTest {
    @AutoClose
    private static final Generator generator = Generator.load(
            Checkpoint.open(Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m")), Device.CPU);

    @AfterEach
    void withoutHook() {
        generator.beforeDecoding(rows -> {
        });
    }

    /** Keeps what it is told, and holds that it is told in order. */
    private static class Seen implements SequenceListener {
        final Map<Integer, int[]> tokens = new HashMap<>();
        final Map<Integer, String> errors = new HashMap<>();
        final Set<Integer> started = new HashSet<>();
        int mostUnderWay;
        long lastTokens;

        @Override
        public void starting(List<Request> requests) {
            requests.forEach(request -> started.add(request.index()));
            mostUnderWay = Math.max(mostUnderWay, started.size() - tokens.size());
        }

        @Override
        public void finished(Request request, Completion completion) {
            assertThat(tokens).doesNotContainKey(request.index());
            assertThat(completion.index()).isEqualTo(request.index());
            assertThat(completion.error() != null || started.contains(request.index())).isTrue();
            tokens.put(request.index(), completion.tokenIds());
            errors.put(request.index(), completion.error());
        }

        @Override
        public void stepped(long tokensSoFar, Timing timing) {
            lastTokens = tokensSoFar;
        }
    }

    /** Row i has a prompt of its own and so many new tokens as {@code lengths[i]}; odd ones are sampled. */
    private static List<Request> requests(int... lengths) {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < lengths.length; i++) {
            SamplingParams params = SamplingParams.builder(lengths[i]).greedy(i % 2 == 0).temperature(0.9).seed(5)
                    .ignoreEos(true).build();
            requests.add(new Request(i, 0, new int[]{7 + i, 30 + i, 400 + 3 * i}, params));
        }
        return requests;
    }

    private static RequestSource oneByOne(List<Request> requests) {
        Deque<Request> left = new ArrayDeque<>(requests);
        return (most, wait) -> left.isEmpty() ? List.of() : List.of(left.remove());
    }

    private static void equalEachAlone(List<Request> requests, Seen seen) {
        assertThat(seen.tokens).hasSameSizeAs(requests);
        for (Request request : requests) {
            Completion alone = generator.generate(List.of(request), 1).get(0);
            assertThat(seen.tokens.get(request.index())).as("row %d", request.index()).isEqualTo(alone.tokenIds());
        }
    }

    @Test
    void generate_rowsThatTrickleIn_equalEachAlone() {
        List<Request> requests = requests(9, 30, 3, 14, 1, 25, 8, 40, 2);
        Seen seen = new Seen();
        generator.generate(oneByOne(requests), 3, seen);
        assertThat(seen.mostUnderWay).isEqualTo(3);
        assertThat(seen.lastTokens).isEqualTo(132);
        equalEachAlone(requests, seen);
    }

    @Test
    void generate_longerRowsThanThereIsRoomFor_waitUntilThereIs() {
        List<Request> requests = requests(4, 6, 60, 5, 200, 7, 20);
        Seen seen = new Seen();
        generator.generate(oneByOne(requests), 2, seen);
        equalEachAlone(requests, seen);
    }

    private static Request request(int index, int promptTokens, int newTokens) {
        int[] prompt = new int[promptTokens];
        Arrays.setAll(prompt, i -> 3 + (i * 31 + index) % 4000);
        return new Request(index, 0, prompt, SamplingParams.greedy(newTokens, List.of()));
    }

    /** Tokens of all rows when row 1 began and when it ended. */
    private static long[] tokensAroundRow1(int passTokens) {
        long[] around = new long[2];
        Seen seen = new Seen() {
            @Override
            public void starting(List<Request> requests) {
                super.starting(requests);
                if (requests.get(0).index() == 1) {
                    around[0] = lastTokens;
                }
            }

            @Override
            public void stepped(long tokensSoFar, Timing timing) {
                super.stepped(tokensSoFar, timing);
                around[1] = around[1] == 0 && tokens.containsKey(1) ? tokensSoFar : around[1];
            }
        };
        List<Request> requests = List.of(request(0, 3, 60), request(1, 700, 1), request(2, 650, 9));
        // prompts that no cache knows
        requests.forEach(request -> request.promptIds()[0] = passTokens);
        Deque<Request> left = new ArrayDeque<>(requests);
        generator.prefillTokens(passTokens);
        generator.generate((most, wait) -> left.isEmpty() || left.size() < 3 && seen.lastTokens < 5
                ? List.of()
                : List.of(left.remove()), 2, seen);
        generator.prefillTokens(2048);
        equalEachAlone(requests, seen);
        return around;
    }

    /** A step for every 256 tokens of a pass or part of them, but none after the last piece, with which row 1 is done. */
    @Test
    void generate_longPromptBesideARowThatDecodes_leavesItSteps() {
        assertThat(tokensAroundRow1(2048)).containsExactly(5, 5 + 1);
        assertThat(tokensAroundRow1(300)).containsExactly(5, 5 + 2 * 2 + 1);
        assertThat(tokensAroundRow1(100)).containsExactly(5, 5 + 6 + 1);
    }

    @Test
    void generate_manyPromptsAtOnceOnAnIdleGenerator_comeBackToBack() {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            requests.add(request(i, 50, 8));
        }
        List<Long> tokensAtStart = new ArrayList<>();
        Seen seen = new Seen() {
            @Override
            public void starting(List<Request> starting) {
                super.starting(starting);
                tokensAtStart.add(lastTokens);
            }
        };
        Deque<Request> left = new ArrayDeque<>(requests);
        generator.prefillTokens(100);
        generator.generate((most, wait) -> {
            List<Request> taken = new ArrayList<>();
            while (taken.size() < most && !left.isEmpty()) {
                taken.add(left.remove());
            }
            return taken;
        }, 6, seen);
        generator.prefillTokens(2048);
        // the first tokens of those before, and no others
        assertThat(tokensAtStart).containsExactly(0L, 2L, 4L);
        equalEachAlone(requests, seen);
    }

    @Test
    void generate_nothingForTheMoment_isAskedAgain() {
        List<Request> requests = requests(3, 3, 3);
        Deque<Request> left = new ArrayDeque<>(requests);
        List<Boolean> waits = new ArrayList<>();
        Seen seen = new Seen();
        generator.generate((most, wait) -> {
            waits.add(wait);
            // only when there is nothing else to do
            return wait && !left.isEmpty() ? List.of(left.remove()) : List.of();
        }, 4, seen);
        assertThat(seen.mostUnderWay).isEqualTo(1);
        assertThat(waits.stream().filter(wait -> wait)).hasSize(4);
        equalEachAlone(requests, seen);
    }

    @Test
    void generate_outOfMemory_halvesTheSlotsAndLosesNothing() {
        List<Request> requests = requests(12, 9, 15, 20, 11, 13, 16, 9, 18);
        List<Integer> refused = new ArrayList<>();
        int[] calls = {0};
        generator.beforeDecoding(rows -> {
            // only once rows are some tokens long, so that they have something to lose
            if (rows > 2 && ++calls[0] % 5 == 0) {
                refused.add(rows);
                throw new OutOfDeviceMemoryException("CUDA out of memory. Tried to allocate 2.00 GiB", null);
            }
        });
        Seen seen = new Seen();
        generator.generate(oneByOne(requests), 8, seen);
        withoutHook();
        assertThat(refused).hasSize(2);
        assertThat(seen.lastTokens).isEqualTo(123);
        equalEachAlone(requests, seen);
    }

    @Test
    void generate_outOfMemoryForOneRowAlone_failsThatRow() {
        List<Request> requests = requests(4, 5, 6);
        int[] alone = {0};
        generator.beforeDecoding(rows -> {
            if (rows > 1 || ++alone[0] <= 2) {
                throw new OutOfDeviceMemoryException("CUDA out of memory", null);
            }
        });
        Seen seen = new Seen();
        generator.generate(oneByOne(requests), 2, seen);
        assertThat(seen.errors.values().stream().filter(error -> error != null))
                .containsExactly("the device does not have enough memory for this row even alone");
        assertThat(seen.tokens.values().stream().mapToInt(ids -> ids.length).sum()).isEqualTo(11);
    }

    @Test
    void generate_sourceThatTakesItsTime_isWaitingAndNeitherPrefillNorDecode() {
        Deque<Request> left = new ArrayDeque<>(requests(3, 3));
        long[] nanosAsked = {0};
        Timing[] last = {Timing.NONE};
        Timing before = generator.timing();
        long begin = System.nanoTime();
        generator.generate((most, wait) -> {
            long asked = System.nanoTime();
            while (wait && System.nanoTime() - asked < 50_000_000) {
                Thread.onSpinWait();
            }
            nanosAsked[0] += wait ? System.nanoTime() - asked : 0;
            return wait && !left.isEmpty() ? List.of(left.remove()) : List.of();
        }, 2, new SequenceListener() {
            @Override
            public void finished(Request request, Completion completion) {}

            @Override
            public void stepped(long tokensSoFar, Timing timing) {
                assertThat(timing.waitSeconds()).isGreaterThanOrEqualTo(last[0].waitSeconds());
                // a step is either of the two
                assertThat(timing.prefillSeconds() > last[0].prefillSeconds())
                        .isNotEqualTo(timing.decodeSeconds() > last[0].decodeSeconds());
                last[0] = timing;
            }
        });
        double elapsed = (System.nanoTime() - begin) / 1e9;
        Timing timing = generator.timing();
        assertThat(last[0].waitSeconds()).isBetween(0.1, elapsed);
        // two rows and the end of them
        assertThat(timing.waitSeconds() - before.waitSeconds()).isBetween(nanosAsked[0] / 1e9 - 1e-6, elapsed);
        assertThat(nanosAsked[0]).isGreaterThanOrEqualTo(150_000_000);
        assertThat(timing.prefillSeconds() + timing.decodeSeconds() + timing.waitSeconds() - before.prefillSeconds()
                - before.decodeSeconds() - before.waitSeconds()).isLessThanOrEqualTo(elapsed);
        assertThat(timing.steps() - before.steps()).isEqualTo(4);
    }

    @Test
    void generate_anotherFailure_isNotTakenForMemory() {
        generator.beforeDecoding(rows -> {
            throw new EngineException("device-side assert triggered");
        });
        assertThatThrownBy(() -> generator.generate(oneByOne(requests(4)), 2, new Seen()))
                .isInstanceOf(EngineException.class).hasMessageContaining("assert");
    }
}
