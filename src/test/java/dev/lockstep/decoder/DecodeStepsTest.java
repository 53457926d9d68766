package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.decoder.Acceleration.SameText;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.kv.LayerGroups;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingKind;
import dev.lockstep.decoder.shard.Exchange;
import dev.lockstep.decoder.shard.PeerRoom;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.family.Families;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.ScalarType;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Which step takes the place of which, without a GPU. */
class DecodeStepsTest {
    private static final SamplingKind GREEDY = SamplingKind.of(new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0));
    private static final int[] PROMPT = {5, 6, 7};
    private static final DecoderAllocation ROOM = new DecoderAllocation(1, 32);

    /** Kernels that fail from some step on; until then they leave the program's own logits. */
    private static final class Failing implements ForwardStep {
        private final ProgramStep program;
        private final int failure;
        private int steps;

        private Failing(ProgramStep program, int failure) {
            this.program = program;
            this.failure = failure;
        }

        @Override
        public void allocate(DecoderAllocation size) {
            // the program has
        }

        @Override
        public void run(int rows, int longest) {
            if (++steps >= failure) {
                throw new UnsatisfiedLinkError("no such kernel");
            }
            program.run(rows, longest);
        }

        @Override
        public int variant(int rows, int longest) {
            return 0;
        }

        @Override
        public boolean isRecordable() {
            return true;
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    /** What was recorded and replayed; a replay computes with the lengths of the recording, as a graph does. */
    private static final class Recorder implements DecodeGraphs.Recorder {
        private final List<String> events = new ArrayList<>();

        @Override
        public DecodeGraphs.Recording record(DecodeGraphs.Recording first, Runnable call) {
            events.add("record");
            call.run();
            return new DecodeGraphs.Recording() {
                @Override
                public void replay() {
                    events.add("replay");
                }

                @Override
                public void close() {
                    events.add("close");
                }
            };
        }
    }

    /** As on a host whose CUDA driver lacks something: here there is none at all. */
    @Test
    void kernelsThatCannotBeMade_areLeftToTheProgram() {
        ModelConfig config = Families.read(Golden.checkpoint("llama-gqa"));
        try (DecoderProgram program = program();
                DecodeSteps steps = DecodeSteps.of(program, new KvCache(program, config, DType.FLOAT32, true, null),
                        Shard.of(config, 0, 1), Device.ofRank("cuda"), DType.FLOAT32, Acceleration.FULL,
                        Acceleration.Weights.WIDE, false, Replica.ALONE)) {
            steps.allocate(new DecoderAllocation(4, 16));
            assertThat(steps.graphBytes()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", value = {
            "llama-gqa | cpu | FLOAT32 | WIDE | true | 1 | -",
            "llama-gqa | cuda | FLOAT32 | WIDE | true | 1 | -",
            "llama-gqa | cuda | BFLOAT16 | WIDE | true | 4 | GPUs of one host that reach each other's memory, where a model is on more than two: give --tensor-parallel 2, or leave it out",
            "llama-gqa | cpu | BFLOAT16 | WIDE | true | 1 | float32 on CPU: leave out --dtype",
            "llama-gqa | cuda | BFLOAT16 | INT4 | true | 1 | weights in 16 bits or fp8: give --quantize none, or leave it out",
            "llama-gqa | cuda | BFLOAT16 | FP8 | false | 1 | Lockstep's CUDA kernels: leave out --kernels off",
            "family/glm4_moe-grouped | cuda | BFLOAT16 | WIDE | true | 1 | Lockstep's CUDA kernels, which do not compute this model so: leave it out",
            "gemma2 | cuda | FLOAT16 | WIDE | true | 1 | flash attention, which has no soft cap, and gemma2 needs one: leave it out"})
    void sameText_thatCannotBeHad_isASentence(String family, String device, DType dtype, Weights kept, boolean kernels,
            int ranks, @Nullable String reason) {
        ModelConfig config = Families.read(Golden.checkpoint(family));
        Device on = Device.ofRank(device);
        for (SameText wanted : SameText.values()) {
            Acceleration acceleration = new Acceleration(true, kernels, kept, false, wanted);
            if (reason != null && wanted == SameText.ON) {
                assertThatThrownBy(() -> DecodeSteps.isSameText(config, on, dtype, acceleration, kept, of(ranks)))
                        .isInstanceOf(ModelException.class).hasMessage("--same-text on needs " + reason);
            } else {
                assertThat(DecodeSteps.isSameText(config, on, dtype, acceleration, kept, of(ranks))).isFalse();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"llama-gqa, BFLOAT16, WIDE, 1", "llama-gqa, FLOAT16, WIDE, 1", "llama-gqa, BFLOAT16, FP8, 1",
            "llama-gqa, BFLOAT16, WIDE, 2", "family/gpt_neox, BFLOAT16, FP8, 2"})
    void sameText_whereItIsPossible_isHadUnlessItIsOff(String family, DType dtype, Weights kept, int ranks) {
        ModelConfig config = Families.read(Golden.checkpoint(family));
        for (SameText wanted : SameText.values()) {
            assertThat(DecodeSteps.isSameText(config, Device.ofRank("cuda"), dtype,
                    new Acceleration(true, true, kept, false, wanted), kept, of(ranks)))
                            .isEqualTo(wanted != SameText.OFF);
        }
    }

    /** Of so many ranks, as DeviceSums has them without memory that GPUs share. */
    private static Replica of(int ranks) {
        return new Replica() {
            @Override
            public int rank() {
                return 0;
            }

            @Override
            public int size() {
                return ranks;
            }

            @Override
            public boolean isOrdered() {
                return ranks <= 2;
            }

            @Override
            public void sum(long address, long count, ScalarType type) {
                throw new UnsupportedOperationException();
            }

            @Override
            public void gather(long address, long count, ScalarType type) {
                throw new UnsupportedOperationException();
            }

            @Override
            public @Nullable PeerRoom peerRoom() {
                return null;
            }

            @Override
            public @Nullable Exchange exchange(long bytes) {
                return null;
            }

            @Override
            public long least(long value) {
                return value;
            }
        };
    }

    @Test
    void sameText_ofAMixture_isHadWhereItIsAskedFor() {
        ModelConfig config = Families.read(Golden.checkpoint("family/qwen3_moe"));
        for (SameText wanted : SameText.values()) {
            assertThat(DecodeSteps.isSameText(config, Device.ofRank("cuda"), DType.BFLOAT16,
                    new Acceleration(true, true, Weights.WIDE, false, wanted), Weights.WIDE, Replica.ALONE))
                            .isEqualTo(wanted == SameText.ON);
        }
    }

    /**
     * In float32 the program's attention depends on the longest row, so no step of it may be recorded: neither when kernels
     * fail before the first recording nor in the middle of it, which is the fifth step.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void kernelsThatFail_leaveNoRecordedStepOfTheProgram(int failure) {
        Recorder recorder = new Recorder();
        run(failure, false, recorder);
        if (failure < 5) {
            assertThat(recorder.events).isEmpty();
        } else {
            assertThat(recorder.events).containsExactly("record", "close");
        }
    }

    @Test
    void kernelsThatFail_whereTheProgramCanBeRecorded_areReplacedInGraphsToo() {
        Recorder recorder = new Recorder();
        run(2, true, recorder);
        assertThat(recorder.events).startsWith("record", "replay");
    }

    private static void run(int failure, boolean recordable, Recorder recorder) {
        try (DecoderProgram program = program()) {
            ProgramStep slow = new ProgramStep(program, recordable);
            try (DecodeSteps steps = new DecodeSteps(slow, false, null, null, new Failing(slow, failure), slow,
                    new DecodeGraphs(recorder, () -> 0))) {
                steps.allocate(ROOM);
                for (int step = 1; step <= 12; step++) {
                    steps.take(1, PROMPT.length + step, GREEDY, false);
                }
            }
        }
    }

    /** A model of one layer with a row that decodes. */
    private static DecoderProgram program() {
        DecoderProgram program = DecoderProgram.load(Device.CPU);
        ModelConfig config = new ModelConfig("llama", 8, 2, 2, 4, 16, 32, 32, false, false, false, false, false,
                ModelConfig.Norms.before(1e-5),
                ModelConfig.Attention.alike(1, 4, 0, new Rope(10000, 4)), 1, 0,
                ModelConfig.Activation.SILU, DType.FLOAT32);
        program.configure(Shard.of(config, 0, 1), DType.FLOAT32, Device.CPU);
        RandomWeights.place(program.weights(), config, Acceleration.Weights.WIDE, ExpertWeights.WIDE);
        program.allocateCache(ROOM.slots(), ROOM.capacity(), 1, ROOM.capacity(), LayerGroups.whole(1));
        program.allocateSlots(ROOM, config.vocabulary());
        RowSampling row = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);
        program.admit(List.of(new Admission(0, PROMPT, row)));
        program.prefill(List.of(new Admission(0, PROMPT, row)), 1);
        program.sampleFirst(GREEDY);
        return program;
    }
}
