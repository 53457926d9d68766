package dev.lockstep.launch.local;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Which GPU a rank computes on.
 *
 * @param visible the GPUs this process may use, as CUDA_VISIBLE_DEVICES names them: indices, UUIDs or MIG ids, never
 *                taken for numbers
 */
public record GpuBinding(List<String> visible) {
    public GpuBinding {
        visible = List.copyOf(visible);
    }

    /** The GPUs of this host; in a Slurm task those that Slurm gave it, not whatever device files show. */
    public static GpuBinding here(Map<String, String> environment) {
        String variable = environment.get(RankPlanner.CUDA_VISIBLE_DEVICES);
        boolean none = variable == null && SlurmAllocation.isTask(environment)
                && !new SlurmAllocation(environment).hasGpus();
        return detect(none ? "" : variable, Path.of("/dev"));
    }

    /**
     * @param variable CUDA_VISIBLE_DEVICES, or null when it is not set: then every device file nvidia0, nvidia1, ... is
     *                 a GPU
     * @param devices  the directory of device files
     */
    static GpuBinding detect(@Nullable String variable, Path devices) {
        List<String> visible = new ArrayList<>();
        if (variable == null) {
            int count = countDeviceFiles(devices);
            for (int i = 0; i < count; i++) {
                visible.add(Integer.toString(i));
            }
            return new GpuBinding(visible);
        }
        for (String entry : variable.split(",")) {
            // CUDA ignores everything from the first invalid entry on; -1 is the customary one
            if (entry.strip().equals("-1") || entry.isBlank()) {
                break;
            }
            visible.add(entry.strip());
        }
        return new GpuBinding(visible);
    }

    /** The GPU of a rank; ranks beyond the number of GPUs share them in turn. */
    String of(int localRank) {
        return visible.get(localRank % visible.size());
    }

    private static int countDeviceFiles(Path devices) {
        int count = 0;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(devices, "nvidia[0-9]*")) {
            for (Path file : files) {
                if (file.getFileName().toString().matches("nvidia[0-9]+")) {
                    count++;
                }
            }
        } catch (IOException e) {
            return 0; // no such directory: no GPUs
        }
        return count;
    }
}
