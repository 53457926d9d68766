package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.UUID;

/**
 * One model in the cache, in huggingface_hub's layout, which its own tools read and write as well:
 *
 * <pre>
 * models--org--name/refs/main                       the name of a commit
 * models--org--name/snapshots/COMMIT/config.json    a link to ../../blobs/ETAG
 * models--org--name/blobs/ETAG                      what files hold, by its SHA-256, or by git's SHA-1 of it
 * models--org--name/.no_exist/COMMIT/other.json     empty: the commit has no such file
 * </pre>
 */
final class HubCache {
    private static final int LONGEST_REF = 200;
    private static final String TAG = """
            Signature: 8a477f597d28d172789f06886806bc55
            # This file tells backup programs that the directory is a cache: https://bford.info/cachedir/
            """;

    private final Path root;
    private final Path directory;

    HubCache(Path root, ModelName name) {
        this.root = root;
        this.directory = root.resolve(name.folder());
    }

    /** The commit that a revision is here. */
    Optional<String> commit(String revision) {
        if (ModelName.isCommit(revision)) {
            return Files.isDirectory(snapshot(revision)) ? Optional.of(revision) : Optional.empty();
        }
        try {
            Path ref = directory.resolve("refs").resolve(revision);
            if (!Files.isRegularFile(ref) || Files.size(ref) > LONGEST_REF) {
                return Optional.empty();
            }
            return Optional.of(Files.readString(ref).strip()).filter(ModelName::isCommit);
        } catch (IOException e) {
            return Optional.empty(); // as if it were not there: it can be written again, or that says why not
        }
    }

    /** The directory of a commit's files, which may not exist. */
    Path snapshot(String commit) {
        return directory.resolve("snapshots").resolve(commit);
    }

    /** Whether a file of a commit is here. */
    boolean has(String commit, String file) {
        return Files.isRegularFile(snapshot(commit).resolve(file));
    }

    /** Whether the commit is known to have no such file. */
    boolean lacks(String commit, String file) {
        return Files.exists(noExist(commit, file));
    }

    private Path noExist(String commit, String file) {
        return directory.resolve(".no_exist").resolve(commit).resolve(file);
    }

    /** Where a file's content goes. */
    Path blob(String etag) {
        return directory.resolve("blobs").resolve(etag);
    }

    /** Where its content is while it is incomplete. */
    Path incomplete(String etag) {
        return directory.resolve("blobs").resolve(etag + ".incomplete");
    }

    /** The file that whoever downloads this model locks. */
    Path lock() {
        return root.resolve(".locks").resolve(directory.getFileName()).resolve("lockstep.lock");
    }

    /** Makes the directories that files are put into. */
    void create() throws IOException {
        Files.createDirectories(directory.resolve("blobs"));
        Path tag = root.resolve("CACHEDIR.TAG");
        if (!Files.exists(tag) && Files.isWritable(root)) {
            Files.writeString(tag, TAG);
        }
    }

    /** Gives a blob its name in a snapshot. */
    void link(String commit, String file, String etag) throws IOException {
        Path link = snapshot(commit).resolve(file);
        // some files are in a directory of the snapshot
        Path target = Files.createDirectories(link.getParent()).relativize(blob(etag));
        if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(target)) {
            return;
        }
        // beside it and over it, so that no reader finds nothing there
        Path unfinished = link.resolveSibling(link.getFileName() + "." + UUID.randomUUID() + ".tmp");
        Files.createSymbolicLink(unfinished, target);
        moveOver(unfinished, link);
    }

    /** Notes that a commit has no such file. */
    void note(String commit, String absent) throws IOException {
        Path file = noExist(commit, absent);
        Files.createDirectories(file.getParent());
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException e) {
            // noted before
        }
    }

    /** Notes which commit a revision is. */
    void refer(String revision, String commit) throws IOException {
        Path ref = directory.resolve("refs").resolve(revision);
        if (ModelName.isCommit(revision) || Files.exists(ref, LinkOption.NOFOLLOW_LINKS)
                && commit(revision).equals(Optional.of(commit))) {
            return;
        }
        Files.createDirectories(ref.getParent());
        Path unfinished = ref.resolveSibling(ref.getFileName() + "." + UUID.randomUUID() + ".tmp");
        Files.write(unfinished, commit.getBytes(StandardCharsets.US_ASCII));
        moveOver(unfinished, ref);
    }

    static void moveOver(Path file, Path target) throws IOException {
        try {
            Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("the file system of " + target + " cannot rename a file", e);
        }
    }
}
