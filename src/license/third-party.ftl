<#-- THIRD-PARTY.txt of a bundle. dependencyMap: from a library (a MavenProject) to the names of its licences. -->
What this archive holds that is not Lockstep's own, and under which licences. LICENSE has the text of Apache-2.0; the
texts and notices that a jar brings are in its META-INF. Logback and JNA are offered under either of their two licences.

runtime/
    A Java runtime, made with jlink from the JDK that runtime/release names. The licence of each of its modules, and
    those of what the module contains, are in runtime/legal/MODULE.

<#list dependencyMap as entry>
<#assign library = entry.key>
<#if library.artifactId == "jspecify"><#continue></#if><#-- for the compiler only: not in the archive -->
<#switch library.artifactId>
<#case "mpj">
lib/mpj.jar
    MPJ Express ${library.version}, http://sourceforge.net/projects/mpjexpress; its notice is at the end
<#break>
<#case "pytorch-native-cpu">
target/lib-cpu/pytorch-native-cpu-${library.version}-linux-x86_64.jar
    ${library.name}, ${library.url} (in archives made with --libtorch cpu)
<#break>
<#default>
target/lib/${library.artifactId}-${library.version}.jar
    ${library.name}, ${library.url}
</#switch>
<#list entry.value as licence>
    Licence: ${licence}<#list library.licenses as known><#if known.name == licence && known.url??>, ${known.url}</#if></#list>
</#list>
<#switch library.artifactId>
<#case "pytorch-native-cpu">
    In it libtorch: BSD, https://github.com/pytorch/pytorch/blob/v${library.version}/LICENSE
    In it what libtorch is built from: https://github.com/pytorch/pytorch/tree/v${library.version}/third_party
    In it libgomp: GPL-3.0 with the GCC Runtime Library Exception, https://www.gnu.org/licenses/gcc-exception-3.1.html
<#break>
<#case "tokenizers">
    In it Hugging Face's tokenizers: Apache-2.0, https://github.com/huggingface/tokenizers
    In it the Rust crates of https://github.com/deepjavalibrary/djl/tree/master/extensions/tokenizers/rust
<#break>
</#switch>

</#list>
libtorch/ (in archives made with --libtorch DIR)
    The libraries of that directory, under the licences of the PyTorch that they are from.

The notice of MPJ Express:

    Copyright 2004-2007 Distributed Systems Group, University of Portsmouth,
    Aamir Shafi, Bryan Carpenter, Mark Baker, Guillermo Lopez Taboada

    The bulk of code in this distribution was developed by the Distributed Systems
    Group at the University of Portsmouth. Some sections of the code like
    the buffering API and derived datatypes include contributions developed at
    the Community Grids Lab at Indiana University.

    Permission is hereby granted, free of charge, to any person obtaining
    a copy of this software and associated documentation files (the
    "Software"), to deal in the Software without restriction, including
    without limitation the rights to use, copy, modify, merge, publish,
    distribute, sublicense, and/or sell copies of the Software, and to
    permit persons to whom the Software is furnished to do so, subject to
    the following conditions:

    The above copyright notice and this permission notice shall be included
    in all copies or substantial portions of the Software.

    THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
    EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
    MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN
    NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
    DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
    OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR
    THE USE OR OTHER DEALINGS IN THE SOFTWARE.
