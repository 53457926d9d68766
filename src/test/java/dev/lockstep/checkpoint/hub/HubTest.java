package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

import dev.lockstep.fixtures.FakeHub;
import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What is found where, and what there is to say when it is not. */
class HubTest extends HubFixture {
    @Test
    void checkpoint_nothingHere_comesInHuggingFacesLayout() throws IOException {
        String commit = server.add(ID, files());
        Path snapshot = hub().checkpoint(ID);
        assertThat(snapshot).isEqualTo(cache().resolve("models--org--name/snapshots/" + commit));
        assertThat(snapshot.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
        String model = "models--org--name/";
        String to = " -> ../../blobs/";
        assertThat(tree(cache())).containsExactlyInAnyOrder(".locks/models--org--name/lockstep.lock",
                "CACHEDIR.TAG", model + ".no_exist/" + commit + "/chat_template.jinja",
                model + ".no_exist/" + commit + "/chat_template.json",
                model + ".no_exist/" + commit + "/generation_config.json",
                model + ".no_exist/" + commit + "/special_tokens_map.json",
                model + ".no_exist/" + commit + "/tokenizer_config.json", model + "blobs/" + FakeHub.gitSum(CONFIG),
                model + "blobs/" + FakeHub.gitSum(TOKENIZER), model + "blobs/" + FakeHub.sha256(WEIGHTS),
                model + "refs/main", model + "snapshots/" + commit + "/config.json" + to + FakeHub.gitSum(CONFIG),
                model + "snapshots/" + commit + "/model.safetensors" + to + FakeHub.sha256(WEIGHTS),
                model + "snapshots/" + commit + "/tokenizer.json" + to + FakeHub.gitSum(TOKENIZER));
        assertThat(cache().resolve("models--org--name/refs/main")).hasContent(commit);
        assertThat(said).containsExactly("downloading org/name: 2 files, 24 bytes into " + cache(),
                "downloading org/name: 1 file, 3.0 MB into " + cache());
    }

    @Test
    void checkpoint_inTheCache_asksNobody() {
        server.add(ID, files());
        Path first = hub().checkpoint(ID);
        int requests = server.asked().size();
        assertThat(hub().checkpoint(ID)).isEqualTo(first);
        assertThat(hub().settings(ID)).isEqualTo(first);
        assertThat(server.asked()).hasSize(requests);
    }

    /** Of a model that is here already, what says how embeddings are made of it comes when these are wanted. */
    @Test
    void embedding_modelWithModules_bringsThemToo() throws IOException {
        Map<String, byte[]> files = files();
        files.put("modules.json", "[]".getBytes(StandardCharsets.UTF_8));
        files.put("1_Pooling/config.json", "{}".getBytes(StandardCharsets.UTF_8));
        server.add(ID, files);
        Path snapshot = hub().checkpoint(ID);
        assertThat(snapshot.resolve("modules.json")).doesNotExist();
        assertThat(hub().embedding(ID)).isEqualTo(snapshot);
        assertThat(snapshot.resolve("modules.json")).hasContent("[]");
        assertThat(snapshot.resolve("1_Pooling/config.json")).hasContent("{}").isSymbolicLink();
        assertThat(Files.readSymbolicLink(snapshot.resolve("1_Pooling/config.json")))
                .hasToString("../../../blobs/" + FakeHub.gitSum("{}".getBytes(StandardCharsets.UTF_8)));
        int requests = server.asked().size();
        assertThat(hub().embedding(ID)).isEqualTo(snapshot);
        assertThat(server.asked()).hasSize(requests);
    }

    @Test
    void settings_bringsNoWeights() {
        server.add(ID, files());
        Path snapshot = hub().settings(ID);
        assertThat(snapshot.resolve("config.json")).exists();
        assertThat(elsewhere()).isEmpty();
        hub().settings(ID);
        hub().checkpoint(ID);
        assertThat(elsewhere()).hasSize(1);
    }

    @Test
    void outline_hasTheHeadersOfWeightsInTheirLength() throws IOException {
        Map<String, byte[]> files = files();
        byte[] weights = bytes(2_000_000, 6);
        byte[] header = "{\"a\":{}}".getBytes(StandardCharsets.UTF_8);
        ByteBuffer.wrap(weights).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).put(header);
        files.put("model.safetensors", weights);
        server.add(ID, files);
        Path scratch = Files.createDirectory(temp.resolve("scratch"));
        assertThat(hub().outline(ID, scratch)).isEqualTo(scratch);
        byte[] outline = Files.readAllBytes(scratch.resolve("model.safetensors"));
        assertThat(outline).hasSize(weights.length).startsWith(Arrays.copyOf(weights, 8 + header.length));
        assertThat(Arrays.copyOfRange(outline, 8 + header.length, outline.length)).containsOnly(0);
        assertThat(scratch.resolve("config.json")).hasBinaryContent(CONFIG);
        assertThat(blob(weights)).doesNotExist();
        Path whole = hub().checkpoint(ID);
        assertThat(hub().outline(ID, scratch)).isEqualTo(whole);
    }

    @Test
    void checkpoint_path_isGivenBack() throws IOException {
        Path here = Files.createDirectories(temp.resolve("here"));
        assertThat(hub().checkpoint(here.toString())).isEqualTo(here);
        assertThat(hub().checkpoint("/no/such/model")).isEqualTo(Path.of("/no/such/model"));
        assertThat(hub().checkpoint("./model")).isEqualTo(Path.of("./model"));
        assertThat(server.asked()).isEmpty();
    }

    @Test
    void checkpoint_refusedByTheHub_saysWhatToDo() throws IOException {
        server.add(ID, files());
        server.gate(ID);
        server.token("hf_secret");
        String hub = server.endpoint();
        assertRefused(ID,
                "org/name is gated: ask for access on " + hub + "/org/name, then give your account's token, as"
                        + " HF_TOKEN=hf_... before the command or with hf auth login");
        assertRefused("org/nane", "org/nane is neither a directory here nor a model on " + hub
                + ", or a private one: check the name; for a private model give a token in HF_TOKEN");
        assertRefused("org/name@v2", "org/name has no revision v2: its branches and tags are on " + hub
                + "/org/name/tree/main");
        Files.writeString(temp.resolve("token"), "hf_secret\n");
        assertRefused(ID, "org/name is gated, and the account of the token from " + temp.resolve("token")
                + " has no access to it: ask for it on " + hub + "/org/name");
        assertRefused("nane", "nane is neither a directory here nor a model on " + hub + " that the token from "
                + temp.resolve("token") + " may read: check the name and the token");
        variables.put("HF_TOKEN", "hf_old");
        assertRefused(ID, hub + " does not take the token from HF_TOKEN: give one that is valid, or none for a public"
                + " model");
    }

    @Test
    void checkpoint_offline_takesWhatIsHere() {
        server.add(ID, files());
        variables.put("HF_HUB_OFFLINE", "1");
        assertRefused(ID, "org/name is neither a directory here nor in the cache " + cache()
                + ", and HF_HUB_OFFLINE is set, so nothing is downloaded");
        assertThat(server.asked()).isEmpty();
        variables.remove("HF_HUB_OFFLINE");
        hub().settings(ID);
        variables.put("TRANSFORMERS_OFFLINE", "true");
        assertRefused(ID, "org/name is not complete in the cache " + cache()
                + ", and TRANSFORMERS_OFFLINE is set, so nothing is downloaded");
        variables.remove("TRANSFORMERS_OFFLINE");
        Path snapshot = hub().checkpoint(ID);
        variables.put("HF_HUB_OFFLINE", "YES");
        assertThat(hub().checkpoint(ID)).isEqualTo(snapshot);
    }

    @Test
    void checkpoint_noNetwork_saysSoOrTakesWhatIsHere() throws IOException {
        server.add(ID, files());
        server.close();
        assertRefused(ID, "org/name is neither a directory here nor in the cache " + cache() + ", and "
                + server.endpoint()
                + " cannot be reached: connection refused; check the network, or HTTPS_PROXY, or give"
                + " the directory of a checkpoint");
        // as a tool leaves it that has fetched a few files only
        Path snapshot = Files.createDirectories(cache().resolve("models--org--name/snapshots/" + "0".repeat(40)));
        Files.createDirectories(cache().resolve("models--org--name/refs"));
        Files.writeString(cache().resolve("models--org--name/refs/main"), "0".repeat(40));
        Files.write(snapshot.resolve("config.json"), CONFIG);
        Files.write(snapshot.resolve("model.safetensors"), WEIGHTS);
        assertThat(hub().checkpoint(ID)).isEqualTo(snapshot);
        assertThat(said).singleElement().asString().endsWith("; the copy in the cache is used");
    }

    @Test
    void checkpoint_shards_areThoseOfTheIndex() throws IOException {
        Map<String, byte[]> files = files();
        files.remove("model.safetensors");
        byte[] first = bytes(1000, 4);
        files.put("model-00001-of-00002.safetensors", first);
        files.put("model-00002-of-00002.safetensors", bytes(2000, 5));
        files.put("model.safetensors.index.json", index("model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors"));
        server.add(ID, files);
        assertThat(hub().checkpoint(ID)).isDirectoryContaining("glob:**00001-of-00002.safetensors")
                .isDirectoryContaining("glob:**00002-of-00002.safetensors")
                .isDirectoryNotContaining("glob:**consolidated.safetensors").isDirectoryNotContaining("glob:**.bin");
        Files.delete(blob(first));
        hub().checkpoint(ID);
        assertThat(blob(first)).hasBinaryContent(first);
    }

    private static byte[] index(String... files) {
        List<String> entries = new ArrayList<>();
        for (String file : files) {
            entries.add("\"tensor" + entries.size() + "\":\"" + file + "\"");
        }
        return ("{\"weight_map\":{" + String.join(",", entries) + "}}").getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void checkpoint_listingThatPointsElsewhere_putsNothingThere() throws IOException {
        Map<String, byte[]> files = files();
        files.put("../../../../evil.json", CONFIG);
        files.put("../../../../evil.safetensors", CONFIG);
        files.put("../snapshots/config.json", CONFIG);
        server.add(ID, files);
        Path scratch = Files.createDirectories(temp.resolve("a/b/c/d"));
        Files.writeString(temp.resolve("evil.json"), "before");
        hub().outline(ID, scratch);
        hub().checkpoint(ID);
        assertThat(temp.resolve("evil.json")).hasContent("before");
        assertThat(tree(temp)).filteredOn(line -> !line.startsWith("hub/") && !line.startsWith("a/b/c/d/"))
                .containsExactly("evil.json");
        assertThat(tree(scratch)).noneMatch(line -> line.contains("evil"));
    }

    @Test
    void checkpoint_indexThatPointsElsewhere_isRefused() {
        Map<String, byte[]> files = files();
        files.remove("model.safetensors");
        files.put("model.safetensors.index.json", index("../../../../token.safetensors"));
        String commit = server.add(ID, files);
        assertRefused(ID, cache().resolve("models--org--name/snapshots/" + commit + "/model.safetensors.index.json")
                + " names ../../../../token.safetensors, which is no file of weights");
        files.put("model.safetensors.index.json", index("model-1.safetensors"));
        server.add("org/other", files);
        assertRefused("org/other", "org/other has no model-1.safetensors, though its model.safetensors.index.json names"
                + " it: its upload is not complete; take another revision");
    }

    @Test
    void checkpoint_noSafetensors_isRefusedBeforeAnythingLargeComes() {
        Map<String, byte[]> files = files();
        files.keySet().removeIf(file -> file.endsWith(".safetensors"));
        server.add(ID, files);
        assertThatThrownBy(() -> hub().checkpoint(ID)).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("org/name has no model.safetensors, only pytorch_model.bin: take a revision");
        assertThat(elsewhere()).isEmpty();
    }

    /** An adapter's files are other ones than a model's, though there may be a model beside them. */
    @Test
    void adapter_nothingHere_bringsItsTwoFiles() {
        Map<String, byte[]> files = files();
        files.put("adapter_config.json", TOKENIZER);
        files.put("adapter_model.safetensors", bytes(5000, 7));
        String commit = server.add(ID, files);
        variables.put("HF_HUB_OFFLINE", "1");
        assertThatThrownBy(() -> hub().adapter(ID)).isInstanceOf(UsageException.class).hasMessage(
                "org/name is neither a directory here nor in the cache " + cache()
                        + ", and HF_HUB_OFFLINE is set, so nothing is downloaded");
        variables.remove("HF_HUB_OFFLINE");
        Path snapshot = hub().adapter(ID);
        assertThat(tree(snapshot)).map(line -> line.replaceFirst(" .*", "")).containsExactly("adapter_config.json",
                "adapter_model.safetensors");
        assertThat(snapshot.getFileName()).hasToString(commit);
        int requests = server.asked().size();
        assertThat(hub().adapter(ID)).isEqualTo(snapshot);
        assertThat(server.asked()).hasSize(requests);
        assertThat(hub().adapter("./here")).isEqualTo(Path.of("./here"));
        // what is there of one thing is not taken for another
        assertThat(hub().checkpoint(ID).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    }

    @Test
    void adapter_whatIsNone_saysWhatToDo() {
        Map<String, byte[]> files = files();
        server.add(ID, files);
        assertNoAdapter(" has no adapter_config.json: it is a model and no LoRA adapter; give it with --model");
        files.remove("config.json");
        server.add(ID, files);
        assertNoAdapter(" has no adapter_config.json: it is no LoRA adapter as PEFT saves it");
        files.put("adapter_config.json", TOKENIZER);
        server.add(ID, files);
        assertNoAdapter(" has no adapter_model.safetensors: its upload is not complete; take another revision");
        files.put("adapter_model.bin", TOKENIZER);
        server.add(ID, files);
        assertNoAdapter(
                " has no adapter_model.safetensors, only adapter_model.bin: load it with PEFT and give the directory"
                        + " that save_pretrained writes");
        files.remove("model.safetensors");
        files.put("config.json", CONFIG);
        server.add("org/adapter", files);
        assertRefused("org/adapter",
                "org/adapter is a LoRA adapter and no model; give its base model, and the adapter with"
                        + " --lora org/adapter");
    }

    private void assertNoAdapter(String sentence) {
        assertThatThrownBy(() -> hub().adapter(ID)).isInstanceOf(UsageException.class).hasMessage(ID + sentence);
    }

    @Test
    void checkpoint_revisions_areKeptApart() {
        String first = server.add(ID, files());
        Path old = hub().checkpoint(ID);
        Map<String, byte[]> changed = files();
        changed.put("config.json", TOKENIZER);
        String second = server.add(ID, changed);
        assertThat(hub().checkpoint(ID)).isEqualTo(old);
        assertThat(hub().checkpoint(ID + "@" + second).getFileName()).hasToString(second);
        assertThat(hub().checkpoint(ID + "@refs/pr/2").getFileName()).hasToString(second);
        assertThat(hub().checkpoint(ID + "@" + first)).isEqualTo(old);
        assertThat(hub().newest(ID).getFileName()).hasToString(second);
        assertThat(hub().checkpoint(ID).getFileName()).hasToString(second);
        // the weights are the same
        assertThat(elsewhere()).hasSize(1);
    }

    @Test
    void checkpoint_partOfACommit_isCompletedThoughTheRevisionHasGoneOn() {
        String first = server.add(ID, files());
        hub().settings(ID);
        server.add(ID, files());
        assertThat(hub().checkpoint(ID).getFileName()).hasToString(first);
    }
}
