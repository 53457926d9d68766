package dev.lockstep.wire;

import java.util.List;
import java.util.Map;

/**
 * What is the same for all ranks of a job wherever they run. What depends on the host (its Java, its GPUs, its
 * processors and memory) is found out there.
 *
 * @param device       auto, cpu or cuda
 * @param traffic      how ranks send messages
 * @param oversubscribe whether ranks may share a GPU
 * @param classPath    the user's part of the class path, absolute
 * @param program      the class name or the source file, then the job's own options
 * @param compiled     the source file's classes
 * @param inherited    variables of the launcher that a host has not got by itself
 * @param variables    what the user set for the ranks; wins over everything else
 * @param directory    the ranks' working directory
 * @param network      the interface or subnet that ranks use among each other; empty: the one they reach the launcher by
 * @param tag          whether every line of output begins with its rank
 * @param past         what there was of the job before
 */
public record JobSpec(String device, Traffic traffic, boolean oversubscribe, List<String> classPath,
        List<String> program, CompiledProgram compiled,
        Map<String, String> inherited, Map<String, String> variables, String directory, String network, boolean tag,
        Past past) {
    public JobSpec {
        classPath = List.copyOf(classPath);
        program = List.copyOf(program);
        inherited = Map.copyOf(inherited);
        variables = Map.copyOf(variables);
    }

    /** The same for ranks that are started again. */
    public JobSpec after(Past earlier) {
        return new JobSpec(device, traffic, oversubscribe, classPath, program, compiled, inherited, variables,
                directory,
                network, tag, earlier);
    }
}
