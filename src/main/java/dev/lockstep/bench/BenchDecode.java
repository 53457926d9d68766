package dev.lockstep.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import dev.lockstep.cli.AccelerationOptions;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.Admission;
import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.DecoderAllocation;
import dev.lockstep.decoder.KernelTime;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.host.UsageException;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.replica.Team;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.DeviceRates;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.world.World;

/** {@code bench decode}: what one step costs for several batch sizes, against what reading its bytes would cost. */
@Command(name = "decode", description = "Milliseconds per decode step, against the device's copy bandwidth.")
final class BenchDecode implements Measurement {
    /** Prompt tokens of one pass, whose memory is not to decide how many rows fit. */
    private static final int PASS_TOKENS = 8192;
    /** The engine's optimizer watches the first ones, which are slow. */
    private static final int WATCHED_PASSES = 4;
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);

    @Mixin
    private BenchOptions options;
    @Option(names = "--batch-sizes", split = ",", defaultValue = "1,16,64,100,256,512", description = "(${DEFAULT-VALUE})")
    private List<Integer> batchSizes;
    @Option(names = "--prompt-tokens", defaultValue = "20", description = "Tokens of a row before the first step (${DEFAULT-VALUE}).")
    private int promptTokens;
    @Option(names = "--profile", description = "Also what each kind of a step's kernels takes by itself, the bytes of one and their share of the bandwidth, and the same of a pass over prompts; on GPUs.")
    private boolean profile;

    /**
     * One batch size.
     *
     * @param cpuMilliseconds time of this process's thread per step to hand the work over, waiting not counted
     * @param bytes           weights, keys and values that a step reads
     * @param ofBandwidth     bytes per second over the copy bandwidth
     * @param graphBytes      memory that recorded steps hold
     * @param kernels         empty unless asked for
     * @param passTokens      prompt tokens of the pass that {@code passKernels} are of
     * @param passKernels     empty unless asked for
     */
    record Line(int batchSize, double milliseconds, double cpuMilliseconds, double tokensPerSecond, long bytes,
            double ofBandwidth, long graphBytes, List<KernelTime> kernels, int passTokens,
            List<KernelTime> passKernels) {}

    record Figures(int rank, String config, String dtype, String device, Acceleration acceleration,
            double copyBandwidth, List<Line> lines) {}

    @Override
    public void check() {
        options.check(batchSizes);
        if (promptTokens < 1) {
            throw new UsageException("--prompt-tokens must be 1 or more, not " + promptTokens);
        }
    }

    @Override
    public void run(World world) throws IOException {
        ModelConfig shapes = options.shapes();
        Device device = Device.ofRank(world.device());
        if (profile && device.isCpu()) {
            throw new UsageException(
                    "--profile is of kernels on a GPU, and this is rank " + world.rank() + " on CPU: leave it out");
        }
        DType type = options.dtype(shapes, device);
        Figures figures;
        double bandwidth = DeviceRates.measure(device, ScalarType.valueOf(type.name())).bytesPerSecond();
        Team team = options.team(world, shapes, device);
        // what this rank has of the model is what it reads
        ModelConfig part = Shard.of(shapes, team.rank(), team.size()).part();
        try (Decoder decoder = Decoder.random(shapes, device, type, options.acceleration(), team)) {
            world.barrier();
            List<Line> lines = new ArrayList<>();
            for (int batchSize : batchSizes) {
                lines.add(measure(decoder, part, type, batchSize, bandwidth));
            }
            figures = new Figures(world.rank(), options.config(), type.toString(), device.name(),
                    options.acceleration(),
                    bandwidth, lines);
        }
        List<Figures> all = world.gather(figures, Figures.class).orElse(List.of()).stream()
                .filter(each -> each.rank % team.size() == 0).toList();
        all.forEach(each -> print(each, options.together()));
        if (world.isRoot()) {
            options.report(all);
        }
    }

    private Line measure(Decoder decoder, ModelConfig part, DType type, int batchSize, double bandwidth) {
        // room for the step that is taken apart
        decoder.allocate(new DecoderAllocation(batchSize, promptTokens + options.newTokens() + (profile ? 1 : 0)));
        // the same steps as below, some of which would be recorded while they are measured
        decoder.warmUp(batchSize, promptTokens + 1, Math.max(Decoder.STEPS_TO_RECORD, options.newTokens() - 1),
                GREEDY);
        List<Admission> rows = new ArrayList<>();
        for (int slot = 0; slot < batchSize; slot++) {
            int[] prompt = new int[promptTokens];
            for (int i = 0; i < prompt.length; i++) {
                prompt[i] = (slot * 31 + i * 7 + 3) % part.vocabulary();
            }
            rows.add(new Admission(slot, prompt, GREEDY));
        }
        int together = Math.max(1, PASS_TOKENS / promptTokens);
        for (int first = 0; first < batchSize; first += together) {
            decoder.prefill(rows.subList(first, Math.min(batchSize, first + together)));
        }
        List<Admission> last = rows.subList((batchSize - 1) / together * together, batchSize);
        List<KernelTime> passKernels = List.of();
        for (int i = 0; profile && i < WATCHED_PASSES; i++) {
            passKernels = decoder.profilePrompts(last);
        }
        int steps = options.newTokens() - 1;
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long cpuNanos = 0;
        long start = System.nanoTime();
        for (int done = 0; done < steps; done += Decoder.LOOKAHEAD) {
            int some = Math.min(Decoder.LOOKAHEAD, steps - done);
            long cpu = threads.getCurrentThreadCpuTime();
            decoder.advance(batchSize, some);
            cpuNanos += threads.getCurrentThreadCpuTime() - cpu;
            decoder.chosen(batchSize, some);
        }
        double seconds = (System.nanoTime() - start) / 1e9 / steps;
        // on average a row has its prompt and half of the new tokens in the cache
        long bytes = BenchModel.weightBytes(part, type, options.acceleration().weights(), batchSize)
                + (long) (batchSize * decoder.tokenBytes() * (promptTokens + options.newTokens() / 2.0));
        return new Line(batchSize, seconds * 1e3, cpuNanos / 1e6 / steps, batchSize / seconds, bytes,
                bytes / seconds / bandwidth, decoder.graphBytes(), profile ? decoder.profile(batchSize) : List.of(),
                last.size() * promptTokens, passKernels);
    }

    private static void print(Line line, double bandwidth) {
        System.out.printf(Locale.ROOT, "  batch %d: a step takes %.3f ms, its kernels by themselves %.3f ms%n",
                line.batchSize(), line.milliseconds(), together(line.kernels()) * 1e3);
        print(line.kernels(), bandwidth);
        double pass = together(line.passKernels());
        System.out.printf(Locale.ROOT, "  a pass over %d prompt tokens takes %.3f ms: %.0f tokens/sec%n",
                line.passTokens(), pass * 1e3, line.passTokens() / pass);
        print(line.passKernels(), bandwidth);
    }

    private static double together(List<KernelTime> kernels) {
        return kernels.stream().mapToDouble(kind -> kind.launches() * kind.seconds()).sum();
    }

    private static void print(List<KernelTime> kernels, double bandwidth) {
        System.out.println("    kernel                      launches       ms   us each   MB each   of copy bandwidth"
                + "   TFLOP/s");
        for (KernelTime kind : kernels) {
            System.out.printf(Locale.ROOT, "    %-27s %8d %8.3f %9.2f %s%s%n", kind.name(), kind.launches(),
                    kind.launches() * kind.seconds() * 1e3, kind.seconds() * 1e6, kind.bytes() == 0
                            ? ""
                            : String.format(Locale.ROOT, "%9.2f %17.0f %%", kind.bytes() / 1e6,
                                    100 * kind.bytes() / kind.seconds() / bandwidth),
                    kind.operations() == 0
                            ? ""
                            : String.format(Locale.ROOT, "%10.1f", kind.operations() / kind.seconds() / 1e12));
        }
    }

    private static void print(Figures figures, String together) {
        System.out.printf(Locale.ROOT, "rank %d: %s %s on %s%s, %s, copy bandwidth %.0f GB/s%n",
                figures.rank(), figures.config(), figures.dtype(), figures.device(), together,
                AccelerationOptions.name(figures.acceleration()), figures.copyBandwidth() / 1e9);
        System.out.println("  batch   ms/step   cpu ms   tokens/sec   GB/step   of copy bandwidth   graphs MB");
        for (Line line : figures.lines()) {
            System.out.printf(Locale.ROOT, "%7d %9.3f %8.3f %12.0f %9.2f %12.0f %% %16.0f%n", line.batchSize(),
                    line.milliseconds(), line.cpuMilliseconds(), line.tokensPerSecond(), line.bytes() / 1e9,
                    100 * line.ofBandwidth(), line.graphBytes() / 1e6);
        }
        figures.lines().stream().filter(line -> !line.kernels().isEmpty())
                .forEach(line -> print(line, figures.copyBandwidth()));
    }
}
