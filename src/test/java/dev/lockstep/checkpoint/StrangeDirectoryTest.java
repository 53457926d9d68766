package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.ModelException;
import dev.lockstep.tokenizer.Tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** Directories and files that somebody took for a checkpoint's: one sentence says what they are and what to do. */
@Timeout(20)
class StrangeDirectoryTest {
    private static final String POINTER = "version https://git-lfs.github.com/spec/v1\n"
            + "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    private static final String SAYS_POINTER = " is a Git LFS pointer, a few lines of text in the place of the file; run"
            + " git lfs pull where it was cloned, or download the checkpoint again.";

    @TempDir
    private Path temp;

    static List<Arguments> contents() {
        return List.of(arguments(POINTER, SAYS_POINTER),
                arguments("<!DOCTYPE html>\n<html><body>Sign in</body></html>",
                        " is a web page (HTML), most likely that of a failed download; download it again."),
                arguments("\n  <html lang=\"en\">",
                        " is a web page (HTML), most likely that of a failed download; download it again."),
                arguments("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>",
                        " is XML, most likely the answer to a failed download; download it again."),
                arguments("GGUF\u0003\u0000\u0000\u0000", " is a GGUF file, which is another format; give the"
                        + " checkpoint that it was made from."),
                arguments("PK\u0003\u0004\u0000\u0000\b\b",
                        " is a zip archive, as PyTorch's own files are, and not what"
                                + " its name says; convert it to safetensors."));
    }

    static Stream<Arguments> filesAndContents() {
        return Stream.of("model.safetensors", "config.json", "generation_config.json", "tokenizer.json")
                .flatMap(file -> contents().stream()
                        .map(content -> arguments(file, content.get()[0], content.get()[1])));
    }

    @ParameterizedTest
    @MethodSource("filesAndContents")
    void open_somethingElseInTheFile_saysWhatItIs(String name, String content, String sentence) throws IOException {
        Path directory = checkpoint();
        Path file = Files.writeString(directory.resolve(name), content, StandardCharsets.ISO_8859_1);

        assertRefused(() -> open(directory), file + sentence);
    }

    @Test
    void open_somethingElseInTheIndex_saysWhatItIs() throws IOException {
        Path directory = Golden.copy("llama-gqa-bfloat16", temp);
        Path index = directory.resolve("model.safetensors.index.json");
        Files.writeString(index, POINTER);
        assertRefused(() -> Checkpoint.open(directory), index + SAYS_POINTER);
    }

    @Test
    void open_textForWeights_quotesItsBeginning() throws IOException {
        Path directory = checkpoint();
        Path weights = directory.resolve("model.safetensors");
        Files.writeString(weights, "Entry not found\n");
        assertRefused(() -> open(directory),
                weights + " is text and no safetensors file; it begins with \"Entry not found\": download it again.");
        Files.writeString(weights, "{\"error\":\"Repository not found or gated\"}\n");
        assertRefused(() -> open(directory), weights + " is text and no safetensors file; it begins with"
                + " \"{\"error\":\"Repository not found or gated\"\": download it again.");
    }

    static List<Arguments> directories() {
        return List.of(
                arguments(Map.of("adapter_config.json", "{\"base_model_name_or_path\":\"org/base\"}",
                        "adapter_model.safetensors", ""),
                        " holds a LoRA adapter (adapter_config.json) and no model (it changes org/base); give that model, and"
                                + " this directory with --lora."),
                arguments(Map.of("adapter_config.json", "damaged", "config.json", "{\"model_type\":\"llama\"}"),
                        " holds a LoRA adapter (adapter_config.json) and no model; give its base model, and"
                                + " this directory with --lora."),
                arguments(Map.of("tiny.Q4_K_M.gguf", "GGUF"),
                        " holds weights as GGUF (tiny.Q4_K_M.gguf), which is another"
                                + " format; give the checkpoint that it was made from, with config.json, tokenizer.json and"
                                + " *.safetensors."),
                arguments(Map.of("config.json", "{\"model_type\":\"llama\"}", "pytorch_model.bin", "PK",
                        "training_args.bin", ""),
                        " holds weights in another format (pytorch_model.bin); convert them to"
                                + " safetensors, as save_pretrained of transformers does."),
                arguments(Map.of("params.json", "{}", "consolidated.00.pth", ""), " holds weights in another format"
                        + " (consolidated.00.pth); convert them to safetensors, as save_pretrained of transformers does."),
                arguments(Map.of("checkpoint-500/config.json", "{}", "checkpoint-1000/config.json", "{}",
                        "training_args.bin", ""),
                        " is the directory of a training run; give one of its checkpoints, of"
                                + " which the last is %s/checkpoint-1000."),
                arguments(Map.of("snapshots/0a1b/config.json", "{}", "snapshots/ffff/config.json", "{}", "refs/main",
                        "ffff\n", "blobs/1", ""),
                        " is a model's directory in the hub's cache; the checkpoint is in"
                                + " %s/snapshots/ffff."),
                arguments(Map.of("snapshots/0a1b/config.json", "{}"), " is a model's directory in the hub's cache; the"
                        + " checkpoint is in %s/snapshots/0a1b."),
                arguments(Map.of("models--org--name/snapshots/1/config.json", "{}"),
                        " is the hub's cache of many models;"
                                + " give the directory models--<org>--<name>/snapshots/<commit> of one of them."),
                arguments(Map.of("final/config.json", "{}", "log.txt", ""), " has no config.json; the checkpoint may be"
                        + " %s/final, which has one."),
                arguments(Map.of("config.json", "{\"model_type\":\"llama\"}", "consolidated.safetensors", ""),
                        " has neither model.safetensors nor model.safetensors.index.json, only consolidated.safetensors;"
                                + " give the checkpoint in Hugging Face's layout."),
                arguments(Map.of("README.md", ""), "/config.json does not exist."));
    }

    @ParameterizedTest
    @MethodSource("directories")
    void open_anotherDirectory_saysWhatItIsAndWhatToDo(Map<String, String> files, String sentence) throws IOException {
        for (Map.Entry<String, String> file : files.entrySet()) {
            Path path = temp.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.getValue());
        }
        assertRefused(() -> Checkpoint.open(temp), temp + sentence.formatted(temp));
    }

    @ParameterizedTest
    @ValueSource(strings = {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
            "model.safetensors", "chat_template.jinja"})
    void open_noRegularFile_saysSo(String name) throws Exception {
        Path directory = checkpoint();
        Path file = directory.resolve(name);
        Files.deleteIfExists(file);
        Path pipe = temp.resolve("pipe");
        Process mkfifo = new ProcessBuilder("mkfifo", pipe.toString()).start();
        assertThat(mkfifo.waitFor(10, TimeUnit.SECONDS)).isTrue();
        for (Path target : List.of(pipe, Path.of("/dev/zero"))) {
            Files.createSymbolicLink(file, target);
            assertRefused(() -> open(directory), file + " is a pipe, a socket or a device; it must be a file.");
            Files.delete(file);
        }
        Files.createDirectory(file);
        assertRefused(() -> open(directory), file + " is a directory; it must be a file.");
    }

    @Test
    void open_linksToFiles_areFollowed() throws IOException {
        Path directory = checkpoint();
        Path link = Files.createDirectory(temp.resolve("link"));
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Files.createSymbolicLink(link.resolve(name), directory.resolve(name));
        }
        open(link);

        Files.delete(directory.resolve("config.json"));
        assertRefused(() -> open(link), link.resolve("config.json")
                + " is a link to a file that does not exist; download the checkpoint again, or copy it whole.");
    }

    @Test
    void open_endlessConfig_isBounded() throws IOException {
        Path directory = checkpoint();
        byte[] blanks = new byte[9 << 20];
        Arrays.fill(blanks, (byte) ' ');
        Files.write(directory.resolve("config.json"), blanks);
        assertRefused(() -> open(directory),
                directory.resolve("config.json") + " has more than the 8 MB that such a file"
                        + " may have; it is not what its name says, or is damaged.");
    }

    private Path checkpoint() {
        return Golden.copyWithTokenizer("llama-gqa", temp);
    }

    private static void open(Path directory) {
        Checkpoint.open(directory);
        Tokenizer.load(directory).close();
    }

    private static void assertRefused(ThrowingCallable what, String sentence) {
        assertThatThrownBy(what).isInstanceOf(ModelException.class).hasMessage(sentence)
                .hasMessageMatching(SentencesTest.ONE_SENTENCE);
    }
}
