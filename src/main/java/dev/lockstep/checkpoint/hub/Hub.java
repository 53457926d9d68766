package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

import dev.lockstep.checkpoint.hub.HubClient.Listing;
import dev.lockstep.checkpoint.hub.HubClient.RemoteFile;
import dev.lockstep.host.Amounts;
import dev.lockstep.host.ByteProgress;
import dev.lockstep.host.FileName;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;

/**
 * Finds a checkpoint by what a user calls it: a directory, or a model's name on the Hugging Face hub, {@code org/name} with
 * {@code @revision} or without. A model is looked for in the cache that Python's tools use as well, and what is missing
 * there is downloaded into it, as they would have done.
 *
 * <p>
 * A model that is whole in the cache costs no request. Every process of a job may ask for the same model at the same time:
 * one of those that share the cache downloads it while the others wait. All methods throw {@link UsageException}, in one
 * sentence, when the model cannot be had.
 */
public final class Hub {
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final HubEnvironment environment;
    private final Watch watch;
    private final HubClient client;

    /**
     * @param variables the environment, of which huggingface_hub's own variables count
     * @param watch     hears of downloads
     */
    public Hub(Map<String, String> variables, Watch watch) {
        this(variables, watch, PAUSE);
    }

    Hub(Map<String, String> variables, Watch watch, Duration firstPause) {
        this.environment = HubEnvironment.of(variables);
        this.watch = watch;
        this.client = new HubClient(environment, firstPause);
    }

    /** Whether this is a model's name rather than a file's: nothing here is called so, and a model may be. */
    public static boolean isName(String model) {
        try {
            return !Files.exists(Path.of(model)) && ModelName.parse(model).isPresent();
        } catch (InvalidPathException e) {
            return false;
        }
    }

    /** The directory with all of a model but its weights, which takes no time to fetch. A path is given back as it is. */
    public Path settings(String model) {
        return find(model, Wanted.SETTINGS, false);
    }

    /** The directory of a model, complete. A path is given back as it is. */
    public Path checkpoint(String model) {
        return find(model, Wanted.MODEL, false);
    }

    /** {@link #checkpoint} with what says how embeddings are made of it. */
    public Path embedding(String model) {
        return find(model, Wanted.EMBEDDING, false);
    }

    /** {@link #checkpoint} with the newest commit of its revision, for which the hub is asked. */
    public Path newest(String model) {
        return find(model, Wanted.MODEL, true);
    }

    /** The directory of a LoRA adapter, complete. A path is given back as it is. */
    public Path adapter(String adapter) {
        return find(adapter, Wanted.ADAPTER, false);
    }

    /**
     * {@link #checkpoint} for a look at a model: of weights that are not here only the headers are fetched, into files that
     * are as long as the weights but take no room.
     *
     * @param scratch an empty directory for that
     * @return the checkpoint, or the scratch directory with what looks like it
     */
    public Path outline(String model, Path scratch) {
        if (!isName(model)) {
            return FileName.of("the model", model);
        }
        ModelName name = ModelName.parse(model).orElseThrow();
        HubCache cache = new HubCache(environment.cache(), name);
        if (environment.offline().isPresent() || whole(cache, name, Wanted.MODEL).isPresent()) {
            return checkpoint(model);
        }
        Path settings = settings(model);
        try (Workers workers = new Workers()) {
            String commit = String.valueOf(settings.getFileName());
            ModelName exactly = new ModelName(name.id(), commit);
            Listing listing = list(exactly, name, cache, workers);
            List<String> weights = weightFiles(cache, exactly, listing, Wanted.MODEL, workers);
            List<Callable<Path>> tasks = new ArrayList<>();
            // never by the listing: it may hold any name
            for (String file : weights) {
                if (!cache.has(commit, file)) {
                    tasks.add(() -> outline(client.find(exactly, commit, file), exactly, scratch.resolve(file)));
                }
            }
            for (String file : Stream.of(Wanted.SETTINGS.settings, List.of(WeightFiles.INDEX), weights)
                    .flatMap(List::stream)
                    .toList()) {
                if (cache.has(commit, file)) {
                    Files.createSymbolicLink(scratch.resolve(file), settings.resolve(file));
                }
            }
            all(workers, tasks, watch::alive);
            return scratch;
        } catch (IOException e) {
            throw new UsageException(scratch + " cannot be written: " + IoReason.of(e), e);
        }
    }

    private Path outline(RemoteFile remote, ModelName name, Path file) throws IOException {
        byte[] header = client.header(name, remote);
        Files.write(file, header);
        long size = remote.size().orElse(0);
        if (size > header.length) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.allocate(1), size - 1);
            }
        }
        return file;
    }

    private Path find(String model, Wanted wanted, boolean newest) {
        if (!isName(model)) {
            return FileName.of(wanted == Wanted.ADAPTER ? "the adapter" : "the model", model);
        }
        ModelName name = ModelName.parse(model).orElseThrow();
        HubCache cache = new HubCache(environment.cache(), name);
        Optional<Path> whole = newest ? Optional.empty() : whole(cache, name, wanted);
        if (whole.isPresent()) {
            return whole.get();
        }
        if (environment.offline().isPresent()) {
            return usable(cache, name, wanted).orElseThrow(() -> new UsageException(notHere(name, cache) + ", and "
                    + environment.offline().get() + " is set, so nothing is downloaded"));
        }
        try {
            return fetch(cache, name, wanted, newest);
        } catch (UsageException e) {
            Optional<Path> old = newest ? Optional.empty() : usable(cache, name, wanted);
            old.ifPresent(path -> watch.say(e.getMessage() + "; the copy in the cache is used"));
            return old.orElseThrow(() -> e);
        }
    }

    private String notHere(ModelName name, HubCache cache) {
        boolean part = cache.commit(name.revision()).isPresent();
        return part
                ? name + " is not complete in the cache " + environment.cache()
                : name + " is neither a directory here nor in the cache " + environment.cache();
    }

    /** The snapshot, where all of it is here that the model has. */
    private Optional<Path> whole(HubCache cache, ModelName name, Wanted wanted) {
        return usable(cache, name, wanted).filter(snapshot -> {
            String commit = cache.commit(name.revision()).orElseThrow();
            return wanted.settings.stream().allMatch(file -> cache.has(commit, file) || cache.lacks(commit, file));
        });
    }

    /** The snapshot, where there is as much of it as a model cannot do without. */
    private Optional<Path> usable(HubCache cache, ModelName name, Wanted wanted) {
        return cache.commit(name.revision()).filter(commit -> cache.has(commit, wanted.config())
                && hasWeights(cache, commit, wanted)).map(cache::snapshot);
    }

    private static boolean hasWeights(HubCache cache, String commit, Wanted wanted) {
        if (wanted == Wanted.ADAPTER) {
            return cache.has(commit, WeightFiles.ADAPTER);
        }
        if (wanted == Wanted.SETTINGS || cache.has(commit, WeightFiles.SINGLE)) {
            return true;
        }
        return cache.has(commit, WeightFiles.INDEX)
                && WeightFiles.ofIndex(cache.snapshot(commit).resolve(WeightFiles.INDEX)).stream()
                        .allMatch(file -> cache.has(commit, file));
    }

    private Path fetch(HubCache cache, ModelName name, Wanted wanted, boolean newest) {
        try {
            DownloadLock lock = DownloadLock.take(cache.lock(), name.toString(), watch);
            try (lock; Workers workers = new Workers()) {
                Optional<Path> whole = newest ? Optional.empty() : whole(cache, name, wanted);
                // another process may have fetched it meanwhile
                return whole.isPresent() ? whole.get() : fetch(cache, name, wanted, newest, workers);
            }
        } catch (IOException e) {
            throw new UsageException(unwritable(e), e);
        }
    }

    private Path fetch(HubCache cache, ModelName name, Wanted wanted, boolean newest, Workers workers)
            throws IOException {
        // what is here in part is completed, though the revision may have gone on
        ModelName asked = newest
                ? name
                : cache.commit(name.revision()).map(commit -> new ModelName(name.id(), commit)).orElse(name);
        Listing listing = list(asked, name, cache, workers);
        String commit = listing.commit();
        cache.create();
        List<String> settings = wanted.settings.stream().filter(listing.files()::contains).toList();
        bring(cache, name, commit, settings, workers);
        for (String file : wanted.settings) {
            if (!listing.files().contains(file)) {
                cache.note(commit, file);
            }
        }
        if (wanted != Wanted.SETTINGS) {
            bring(cache, name, commit, weightFiles(cache, name, listing, wanted, workers), workers);
        }
        // last, so that a revision which has gone on means what is here of it as long as the new one is not
        cache.refer(name.revision(), commit);
        return cache.snapshot(commit);
    }

    private List<String> weightFiles(HubCache cache, ModelName name, Listing listing, Wanted wanted, Workers workers)
            throws IOException {
        if (wanted == Wanted.ADAPTER) {
            WeightFiles.requireAdapter(name, listing.files());
            return List.of(WeightFiles.ADAPTER);
        }
        if (listing.files().contains(WeightFiles.SINGLE)) {
            return List.of(WeightFiles.SINGLE);
        }
        WeightFiles.requireIndex(name, listing.files());
        bring(cache, name, listing.commit(), List.of(WeightFiles.INDEX), workers);
        Set<String> files = WeightFiles.ofIndex(cache.snapshot(listing.commit()).resolve(WeightFiles.INDEX));
        WeightFiles.requireAll(name, files, listing.files());
        return List.copyOf(files);
    }

    private Listing list(ModelName asked, ModelName name, HubCache cache, Workers workers) throws IOException {
        try {
            return workers.all(List.<Callable<Listing>>of(() -> client.list(asked)), watch::alive).get(0);
        } catch (IOException e) {
            throw new UsageException(notHere(name, cache) + ", and " + environment.endpoint() + " cannot be reached: "
                    + HubFault.reason(e)
                    + "; check the network, or HTTPS_PROXY, or give the directory of a checkpoint", e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** Brings files that are not here yet. */
    private void bring(HubCache cache, ModelName name, String commit, List<String> files, Workers workers)
            throws IOException {
        List<Callable<RemoteFile>> finding = new ArrayList<>();
        files.stream().filter(file -> !cache.has(commit, file))
                .forEach(file -> finding.add(() -> client.find(name, commit, file)));
        List<RemoteFile> found = all(workers, finding, watch::alive);
        List<RemoteFile> wanted = found.stream().filter(file -> !Files.isRegularFile(cache.blob(file.etag()))).toList();
        if (!wanted.isEmpty()) {
            download(cache, name, wanted, workers);
        }
        for (RemoteFile file : found) {
            cache.link(commit, file.name(), file.etag());
        }
    }

    private void download(HubCache cache, ModelName name, List<RemoteFile> files, Workers workers) throws IOException {
        long total = 0;
        long before = 0;
        for (RemoteFile file : files) {
            total += file.size().orElse(0);
            Path part = cache.incomplete(file.etag());
            before += Files.exists(part) ? Math.min(Files.size(part), file.size().orElse(0)) : 0;
        }
        long room = Files.getFileStore(environment.cache()).getUsableSpace();
        if (total - before > room) {
            throw new UsageException(name + " needs " + Amounts.bytes(total - before) + " more in "
                    + environment.cache()
                    + ", where there is room for " + Amounts.bytes(room) + ": make room, or set HF_HOME to a directory"
                    + " that has it");
        }
        ByteProgress progress = new ByteProgress("downloading " + name, total);
        List<FileDownload> downloads = files.stream().map(file -> new FileDownload(client, cache, name, file, progress))
                .toList();
        List<Callable<Boolean>> tasks = new ArrayList<>();
        downloads.forEach(each -> tasks.add(() -> {
            each.run();
            return true;
        }));
        watch.say("downloading " + name + (before > 0 ? " from where it broke off" : "") + ": "
                + files.size() + (files.size() == 1 ? " file, " : " files, ") + Amounts.bytes(total - before) + " into "
                + environment.cache());
        all(workers, tasks, () -> {
            watch.alive();
            watch.progress(progress.line());
            downloads.forEach(each -> each.breakIfStalled(System.nanoTime()));
        });
    }

    private static <T> List<T> all(Workers workers, List<Callable<T>> tasks, Runnable tick) throws IOException {
        try {
            return workers.all(tasks, tick);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private String unwritable(IOException e) {
        String reason = IoReason.of(e);
        return "the cache " + environment.cache() + " cannot be written: " + reason + "; "
                + (reason.matches(".*(No space left|quota|File too large).*")
                        ? "make room, or set HF_HOME to a directory that has it; what has come is kept"
                        : "set HF_HOME to a directory of your own");
    }
}
