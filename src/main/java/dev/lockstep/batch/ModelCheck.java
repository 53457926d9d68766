package dev.lockstep.batch;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.GenerationDefaults;
import dev.lockstep.checkpoint.GenerationField;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.prompts.SamplingFields;
import dev.lockstep.tokenizer.ChatTemplate;
import dev.lockstep.tokenizer.Tokenizer;

/**
 * Judges a checkpoint without its weights. A tokenizer.json can end the process that uses it, since the library for it
 * is not Java, and a template can take for ever; so there is a form of it that runs in a JVM of its own.
 */
final class ModelCheck {
    /** A large tokenizer takes some three seconds. */
    static final int SECONDS = 60;
    private static final String AT = "at ";
    /** What makes a tokenizer do all it can: nothing, blanks, scripts, a part of a character, digits, control characters. */
    private static final List<String> PROBES = List.of("", " ", "a", "In the beginning\n\n  was the Word.",
            "\u00e9\u4e2d\ud83d\ude00 x\u0301 <s></s>", "123,456.789\t\u0000\u007f", "k".repeat(300));

    private ModelCheck() {}

    /**
     * @return one sentence that says what it is
     * @throws ModelException when it cannot be used
     */
    static String summary(Checkpoint checkpoint) {
        return summary(checkpoint.directory().toString(), checkpoint);
    }

    /** {@link #summary(Checkpoint)} of one that has another name than its directory. */
    static String summary(String name, Checkpoint checkpoint) {
        ModelConfig config = checkpoint.config();
        String refused = generationConfig(checkpoint);
        Tokenizer.check(checkpoint.directory());
        return String.format(Locale.ROOT,
                "%s: %s, %d layers, hidden size %d, vocabulary %d, %,d parameters, %s%s, context %d%s",
                Printable.cut(name), config.family(), config.layers(), config.hidden(),
                config.vocabulary(), ModelMemory.parameters(config), config.dtype(),
                checkpoint.quantization().map(form -> " from " + form).orElse(""), config.contextLength(),
                checkpoint.unused().map(sentence -> "\n" + sentence).orElse("") + refused);
    }

    /**
     * Looks at the values of its fields; one that {@code generate} goes on without when told so is only said.
     *
     * @return a line, or nothing
     */
    private static String generationConfig(Checkpoint checkpoint) {
        GenerationDefaults defaults = checkpoint.generationDefaults();
        List<String> refused = Arrays.stream(GenerationField.values())
                .filter(field -> field.treatment() == GenerationField.Treatment.REFUSED).map(GenerationField::key)
                .toList();
        SamplingFields.ofCheckpoint(defaults.without(refused));
        try {
            defaults.without(List.of());
            return "";
        } catch (ModelException e) {
            return "\n" + e.getMessage();
        }
    }

    /** {@link #summary} where a process that may die has read and tried everything but the weights. */
    static String inItsOwnProcess(Path directory, int seconds) {
        Path out = null;
        try {
            out = Files.createTempFile("lockstep-check", ".txt");
            Process process = new ProcessBuilder(command(directory)).redirectErrorStream(false)
                    .redirectError(ProcessBuilder.Redirect.DISCARD).redirectOutput(out.toFile()).start();
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            process.destroyForcibly().waitFor();
            List<String> lines = new ArrayList<>(Files.readAllLines(out, StandardCharsets.UTF_8));
            String at = lines.stream().filter(line -> line.startsWith(AT)).reduce("", (a, b) -> b)
                    .replaceFirst("^" + AT, "");
            lines.removeIf(line -> line.startsWith(AT));
            if (ended && ExitCode.DONE.is(process.exitValue())) {
                return String.join("\n", lines);
            }
            if (ended && ExitCode.USAGE.is(process.exitValue()) && !lines.isEmpty()) {
                throw new ModelException(lines.get(lines.size() - 1));
            }
            throw new ModelException(directory + ": the process that tried its " + at + (ended
                    ? " died (exit code " + process.exitValue() + ")"
                    : " had not ended after " + seconds + " seconds")
                    + "; that file is damaged or malicious: get it again from its source.");
        } catch (IOException e) {
            throw new UsageException("no process can be started to judge " + directory + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UsageException("interrupted while " + directory + " was judged", e);
        } finally {
            delete(out);
        }
    }

    private static void delete(@Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // what is left in the temporary directory is the system's to remove
        }
    }

    private static List<String> command(Path directory) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx512m",
                        "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-CreateCoredumpOnCrash",
                        "-XX:ErrorFile=/dev/null", "-Dfile.encoding=UTF-8"));
        for (String name : List.of("logback.configurationFile", "lockstep.home")) {
            if (System.getProperty(name) != null) {
                command.add("-D" + name + "=" + System.getProperty(name));
            }
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), ModelCheck.class.getName(),
                directory.toString()));
        return command;
    }

    /** The process that may die; says on stdout where it is, then what the checkpoint is or why it is none. */
    public static void main(String[] args) {
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try {
            Path directory = Path.of(args[0]);
            out.println(AT + "config.json and safetensors headers");
            Checkpoint checkpoint = Checkpoint.open(directory);
            out.println(AT + "tokenizer.json");
            tryTokenizer(checkpoint);
            out.println(AT + "chat template");
            tryTemplate(directory);
            out.println(summary(checkpoint));
        } catch (ModelException | LibraryException | UsageException e) {
            out.println(e.getMessage());
            System.exit(ExitCode.USAGE.code());
        }
    }

    private static void tryTokenizer(Checkpoint checkpoint) {
        try (Tokenizer tokenizer = Tokenizer.load(checkpoint.directory())) {
            for (String probe : PROBES) {
                for (boolean special : new boolean[]{true, false}) {
                    int[] ids = tokenizer.encode(probe, special);
                    tokenizer.decode(ids, special);
                    Arrays.stream(ids).forEach(tokenizer::bytes);
                }
            }
            for (int id = 0; id < Math.min(checkpoint.config().vocabulary(), 1000); id++) {
                tokenizer.decode(new int[]{id}, false);
            }
            tokenizer.decode(new int[0], true);
        } catch (RuntimeException e) {
            throw e instanceof ModelException own
                    ? own
                    : new ModelException(checkpoint.directory().resolve("tokenizer.json") + " cannot be used: "
                            + e.getMessage() + ".", e);
        }
    }

    /** A template may refuse a conversation; that is its right. */
    private static void tryTemplate(Path directory) {
        ObjectNode chat = Json.MAPPER.createObjectNode().put("add_generation_prompt", true);
        chat.putArray("messages").addObject().put("role", "user").put("content", "In the beginning");
        try {
            ChatTemplate.load(directory).ifPresent(template -> template.render(chat));
        } catch (IllegalArgumentException e) {
            // a sample would have this as its error
        }
    }
}
