package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.FakeHub;
import dev.lockstep.fixtures.FakeHub.Asked;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.host.ByteProgress;
import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** How files come, and what becomes of those that do not come well. */
class DownloadTest extends HubFixture {
    @Test
    void checkpoint_connectionsThatBreakOff_goOnWhereTheyWere() throws IOException {
        server.add(ID, files());
        server.cut(1_000_000, 2);
        assertThat(hub().checkpoint(ID).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
        assertThat(elsewhere()).extracting(Asked::range).hasSize(3).first().isEqualTo("");
        // what a broken connection still had under way may be lost
        assertThat(elsewhere().subList(1, 3)).allSatisfy(asked -> {
            assertThat(asked.range()).matches("bytes=\\d+-");
            assertThat(asked.ifRange()).startsWith("\"store-");
        });
    }

    @Test
    void checkpoint_partOfAProcessThatDied_isGoneOnWith() throws IOException {
        server.add(ID, files());
        Files.createDirectories(blob(WEIGHTS).getParent());
        Files.write(Path.of(blob(WEIGHTS) + ".incomplete"), Arrays.copyOf(WEIGHTS, 1_234_567));
        assertThat(hub().checkpoint(ID).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
        assertThat(elsewhere()).extracting(Asked::range).containsExactly("bytes=1234567-");
        assertThat(said).contains("downloading org/name from where it broke off: 1 file, 1.8 MB into " + cache());
        assertThat(Path.of(blob(WEIGHTS) + ".incomplete")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(ints = {1_234_567, 3_000_000, 4_000_000})
    void checkpoint_partOfSomethingElse_isFetchedAgain(int size) throws IOException {
        server.add(ID, files());
        Files.createDirectories(blob(WEIGHTS).getParent());
        Files.write(Path.of(blob(WEIGHTS) + ".incomplete"), bytes(size, 9));
        assertThat(hub().checkpoint(ID).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    }

    @Test
    void run_connectionFromWhichNothingComes_isBrokenAndGoneOnWith() throws Exception {
        String commit = server.add(ID, files());
        server.hang(1_000_000);
        ModelName name = new ModelName(ID, "main");
        HubEnvironment environment = HubEnvironment.of(variables);
        HubClient client = new HubClient(environment, Duration.ofMillis(1));
        HubCache cache = new HubCache(environment.cache(), name);
        cache.create();
        FileDownload download = new FileDownload(client, cache, name, client.find(name, commit, "model.safetensors"),
                new ByteProgress("downloading " + ID, WEIGHTS.length));
        ExecutorService thread = Executors.newSingleThreadExecutor();
        Future<?> running = thread.submit(() -> {
            download.run();
            return null;
        });
        Path part = Path.of(blob(WEIGHTS) + ".incomplete");
        Launched.awaitTrue(Duration.ofSeconds(20), () -> part.toFile().length() == 1_000_000);
        download.breakIfStalled(System.nanoTime() + Duration.ofSeconds(20).toNanos());
        assertThat(running.isDone()).isFalse();
        download.breakIfStalled(System.nanoTime() + Duration.ofSeconds(31).toNanos());
        running.get();
        thread.shutdown();
        assertThat(blob(WEIGHTS)).hasBinaryContent(WEIGHTS);
        assertThat(elsewhere()).extracting(Asked::range).containsExactly("", "bytes=1000000-");
    }

    @Test
    void checkpoint_hostWithoutRanges_startsAgain() throws IOException {
        server.add(ID, files());
        server.withoutRanges();
        server.cut(1_000_000, 2);
        assertThat(hub().checkpoint(ID).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    }

    @Test
    void checkpoint_whatDiffersFromItsSum_isRefusedAndNotKept() {
        server.add(ID, files());
        server.damage();
        assertRefused(ID, "model.safetensors of org/name did not arrive as it was sent (its checksum is another): try"
                + " again; if it stays so, a proxy changes it or the hub's file is damaged");
        assertThat(tree(cache())).noneMatch(line -> line.contains("model.safetensors")
                || line.contains(FakeHub.sha256(WEIGHTS)));
        assertThat(cache().resolve("models--org--name/refs/main")).doesNotExist();
    }

    @Test
    void checkpoint_hubIsBusy_triesAgain() {
        server.add(ID, files());
        server.busy(503, "", 3);
        hub().checkpoint(ID);
        server.busy(429, "1", 1);
        long begin = System.nanoTime();
        hub().newest(ID);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void checkpoint_hubStaysBusy_givesUp() {
        server.add(ID, files());
        server.busy(502, "", 100);
        assertRefused(ID, "org/name cannot be fetched from " + server.endpoint()
                + ", tried 6 times: it answers 502; what has come is kept, and the same command goes on from there");
        server.busy(429, "3600", 1);
        assertRefused(ID, "org/name cannot be fetched from " + server.endpoint() + ": it asks to be left alone for 60"
                + " minutes; try again then, or give a token in HF_TOKEN, which has a limit of its own");
    }

    @Test
    void checkpoint_token_goesToTheHubAlone() {
        server.add(ID, files());
        server.token("hf_secret");
        variables.put("HF_TOKEN", "hf_secret");
        hub().checkpoint(ID);
        assertThat(elsewhere()).isNotEmpty().extracting(Asked::authorization).containsOnly("");
        assertThat(server.asked()).filteredOn(asked -> !asked.elsewhere()).extracting(Asked::authorization)
                .containsOnly("Bearer hf_secret");
        assertThat(said.toString() + HubEnvironment.of(variables)).doesNotContain("hf_secret");
    }

    /** The hub takes requests that were meant for another one, as a proxy does. */
    @Test
    void checkpoint_proxy_isAskedForTheHub() throws IOException {
        server.add(ID, files());
        variables.put("HF_ENDPOINT", "http://hub.invalid");
        variables.put("HTTP_PROXY", server.endpoint().replace("//", "//user:word@"));
        variables.put("NO_PROXY", "127.0.0.2");
        assertThat(hub().checkpoint(ID).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
        String user = "Basic " + Base64.getEncoder().encodeToString("user:word".getBytes(StandardCharsets.UTF_8));
        assertThat(server.asked()).filteredOn(asked -> !asked.elsewhere()).allSatisfy(asked -> {
            assertThat(asked.path()).startsWith("http://hub.invalid/");
            assertThat(asked.proxyAuthorization()).isEqualTo(user);
        });
        assertThat(elsewhere()).extracting(Asked::proxyAuthorization).containsExactly("");
    }

    @Test
    void checkpoint_moreThanFits_isRefusedBeforehand() {
        server.add(ID, files());
        server.claim(1L << 59);
        assertThatThrownBy(() -> hub().checkpoint(ID)).isInstanceOf(UsageException.class)
                .hasMessageMatching(
                        "org/name needs 576\\.5 PB more in .*/hub, where there is room for .*: make room, or"
                                + " set HF_HOME to a directory that has it");
        assertThat(elsewhere()).isEmpty();
    }

    @Test
    void checkpoint_sizeThatTheHubDoesNotSay_isFetchedToItsEnd() {
        server.add(ID, files());
        server.claim(Long.MAX_VALUE); // more digits than a size has
        assertThat(hub().checkpoint(ID).resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    }

    @Test
    void checkpoint_cacheThatCannotBeWritten_saysSo() throws IOException {
        server.add(ID, files());
        Path file = Files.createFile(temp.resolve("file"));
        variables.put("HF_HUB_CACHE", file.toString());
        assertThatThrownBy(() -> hub().checkpoint(ID)).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("the cache " + file + " cannot be written: ")
                .hasMessageEndingWith("; set HF_HOME to a directory of your own");
    }

    @Test
    void checkpoint_manyAtOnce_downloadOnce() throws Exception {
        server.add(ID, files());
        server.slow(20_000_000);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<Path>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(threads.submit(() -> hub().checkpoint(ID)));
        }
        for (Future<Path> each : all) {
            assertThat(each.get().resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
        }
        threads.shutdown();
        assertThat(elsewhere()).hasSize(1);
    }
}
