package dev.lockstep.batch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

import com.fasterxml.jackson.core.type.TypeReference;
import org.slf4j.LoggerFactory;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.hub.Hub;
import dev.lockstep.journal.Fingerprint;
import dev.lockstep.prompts.ChatPrompts;
import dev.lockstep.prompts.PromptFile;
import dev.lockstep.prompts.SamplingFields;
import dev.lockstep.prompts.ScoredRows;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Does what ranks do at their start, and nothing with a model's weights: what the JVM has loaded at the end is what an
 * archive of class data is made of. launch/class-data.sh runs it.
 */
public final class Rehearsal {
    private static final TypeReference<Map<String, List<Integer>>> MAP = new TypeReference<>() {
    };

    private record Line(int number, long big, double real, float narrow, boolean said, String text,
            List<String> words) {}

    private Rehearsal() {}

    /** Takes no options, and at least two ranks. */
    public static void main(String[] args) throws IOException {
        try (World world = World.init(args)) {
            long begin = System.nanoTime();
            exchange(world);
            LoggerFactory.getLogger(Rehearsal.class).info("rank {} has exchanged objects in {} s", world.rank(),
                    String.format(Locale.ROOT, "%.2f", (System.nanoTime() - begin) / 1e9));
            Path home = Path.of(System.getProperty("lockstep.home"));
            read(world, home);
            load(home.resolve("target/lockstep.jar"));
            world.barrier();
        }
    }

    private static void exchange(World world) {
        Line line = new Line(world.rank(), 1L << 40, 0.1, 0.5f, true, "ä", List.of("a", "b"));
        world.allGather(line, Line.class);
        world.gather(line, Line.class);
        world.gatherAll(world.split(List.of(line, line, line)), Line.class);
        world.broadcast(Map.of("a", List.of(1)), MAP);
        world.broadcast("text", String.class);
        world.allGather(new double[]{1}, double[].class);
        world.scatter(List.of("a", "b"), String.class);
        world.allToAll(List.of("a", "b"), String.class);
        world.allReduce(1, Integer.class, Integer::sum);
        world.doubles().allReduce(new double[]{1}, Op.SUM);
        world.longs().allReduce(new long[]{1}, Op.MAX);
        world.floats().broadcast(new float[]{1});
        world.ints().allGather(new int[]{1});
        world.progress(1, 2, 3);
        world.status("rehearsal");
    }

    private static void read(World world, Path home) throws IOException {
        String model = home.resolve("examples/models/kjv-6m").toString();
        GenerateOptions options = GenerateOptions.parse("--model", model, "--greedy", "--prompts",
                home.resolve("examples/first-lines.jsonl").toString());
        WorldWatch watch = new WorldWatch(world, "rehearsal");
        Path settings = new Hub(System.getenv(), watch).settings(options.model());
        try (PromptFile prompts = PromptFile.survey(options.prompts(), InputStream.nullInputStream(),
                options.inBlocks(),
                options.numSamples(),
                new ChatPrompts(settings).andThen(new ScoredRows(options.score())))) {
            Checkpoint checkpoint = Checkpoint.open(options.model(), watch);
            SamplingFields.ofCheckpoint(checkpoint.generationDefaults());
            Fingerprint.of(checkpoint, "", prompts.digest(), JobSettings.sampling(options));
        }
    }

    /** What else a job may come to: of ours all but what the launcher alone has. */
    private static void load(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            for (JarEntry entry : (Iterable<JarEntry>) file.stream()::iterator) {
                String name = entry.getName();
                if (name.endsWith(".class") && !name.startsWith("dev/lockstep/launch/")) {
                    try {
                        Class.forName(name.substring(0, name.length() - 6).replace('/', '.'), false,
                                Rehearsal.class.getClassLoader());
                    } catch (ClassNotFoundException | LinkageError e) {
                        // what cannot be loaded cannot be archived, and is no job's loss
                    }
                }
            }
        }
    }
}
